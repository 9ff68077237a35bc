/** Where people read mail, what sends it, and the words for it; the words for other messages too. */
import type { SourceTable } from './source-tables.ts';

export const EMAIL = {
  Gmail: 'gmail mail.google.com app:com.google.android.gm',
  'Outlook.com':
    'outlook outlook.live.com app:com.microsoft.office.outlook app:com.microsoft.outlooklite',
  'Yahoo! Mail':
    'mail.yahoo.com mail.yahoo.co.jp app:com.yahoo.mobile.client.android.mail ' +
    'app:com.yahoo.mobile.client.android.nativemail',
  'Proton Mail': 'mail.proton.me mail.protonmail.com app:ch.protonmail',
  'AOL Mail': 'mail.aol.com mail.aol.co.uk app:com.aol.mobile',
  'Yandex Mail': 'mail.yandex.* app:ru.yandex.mail',
  'Mail.ru': 'e.mail.ru touch.mail.ru app:ru.mail.mailapp app:ru.mail.mail',
  'Rambler Mail': 'mail.rambler.ru',
  'Seznam Email': 'email.seznam.cz',
  GMX: 'navigator.gmx.net deref-gmx.net deref-gmx.com',
  'WEB.DE': 'navigator.web.de deref-web.de deref-web-02.de',
  'T-Online Mail': 'email.t-online.de',
  'Zoho Mail': 'mail.zoho.com mail.zoho.eu mail.zoho.in',
  Fastmail: 'app.fastmail.com',
  Tuta: 'app.tuta.com mail.tutanota.com',
  HEY: 'app.hey.com',
  Superhuman: 'mail.superhuman.com app:com.superhuman',
  'Orange Mail': 'mail.orange.fr',
  'Free Mail': 'webmail.free.fr',
  'La Poste Mail': 'webmail.laposte.net',
  'Libero Mail': 'mail.libero.it mail1.libero.it',
  'Naver Mail': 'mail.naver.com',
  'Daum Mail': 'mail.daum.net',
  'QQ Mail': 'mail.qq.com exmail.qq.com',
  'NetEase Mail': 'mail.163.com mail.126.com mail.yeah.net',
  'Sina Mail': 'mail.sina.com.cn',
  'Rediff Mail': 'mail.rediff.com',
  'Samsung Email': 'app:com.samsung.android.email.provider',
  'Spark Mail': 'app:com.readdle.smartemail',
  BlueMail: 'app:me.bluemail.mail',
  'Aqua Mail': 'app:org.kman.aquamail',
  'K-9 Mail': 'app:com.fsck.k9',
  'Edison Mail': 'app:com.easilydo.mail',
  Mailchimp: 'mailchimp',
  Klaviyo: 'klaviyo',
  Brevo: 'brevo sendinblue',
  MailerLite: 'mailerlite',
  SendGrid: 'sendgrid',
  ActiveCampaign: 'activecampaign',
  HubSpot: 'hs-email hs-automation',
} as const satisfies SourceTable;

export const SMS = { SMS: 'sms' } as const satisfies SourceTable;

export const PUSH = { Firebase: 'firebase' } as const satisfies SourceTable;

/** Neither of these kinds, but with names of their own: so that all hosts of one count together. */
export const OTHER = {
  Wikipedia: 'wikipedia wikipedia.org',
  Linktree: 'linktree linktr.ee',
  'Microsoft 365': 'officeapps.live.com',
} as const satisfies SourceTable;
