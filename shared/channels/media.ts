/** What the words in `utm_medium` mean. Words are compared in lower case, with `-` for spaces and `_`. */
import type { Channel } from './channel-names.ts';

/** Words that name a channel outright. */
const CHANNEL_WORDS: Readonly<Record<string, Channel>> = {
  affiliate: 'Affiliates',
  affiliates: 'Affiliates',
  sms: 'SMS',
  audio: 'Audio',
  podcast: 'Audio',
  referral: 'Referral',
  app: 'Referral',
  link: 'Referral',
};

/** `cpm` is both paid for and display: `isPaid` has it, and it is display where the source has no kind. */
const DISPLAY_WORDS = words('display banner expandable interstitial');
const PAID_WORDS = words('cpc ppc cpm cpv cpa retargeting');
const PAID_BEGINNINGS = /^(?:paid|cpc-)/;

/** Words for a kind of source, by the order in which kinds are tried. */
export const KIND_WORDS = {
  shopping: words('shopping organic-shopping'),
  social: words('social social-network social-media sm organic-social social-organic'),
  video: words('video organic-video'),
  search: words('organic search organic-search seo'),
} as const;

/** `email`, `e-mail`, `e_mail`, `e mail` as a word or the beginning of one, and newsletters; not `voicemail`. */
const EMAIL = /(?:^|[^a-z])e[-_ ]?mail|newsletter/;

export function isEmail(text: string): boolean {
  return EMAIL.test(text);
}

/** @param medium as `comparable` makes it */
export function channelOfMedium(medium: string): Channel | undefined {
  if (isEmail(medium)) return 'Email';
  if (medium.endsWith('push') || medium.includes('mobile') || medium.includes('notification')) {
    return 'Mobile Push';
  }
  return Object.hasOwn(CHANNEL_WORDS, medium) ? CHANNEL_WORDS[medium] : undefined;
}

export function isDisplay(medium: string): boolean {
  return DISPLAY_WORDS.has(medium);
}

/** Anchored at its beginning: `unpaid` is not paid for, nor is `tcp-news`, which holds a `cp` by chance. */
export function isPaid(medium: string): boolean {
  return PAID_WORDS.has(medium) || PAID_BEGINNINGS.test(medium);
}

export function isVideo(medium: string): boolean {
  return medium.includes('video');
}

/** The one spelling in which words are compared: `Social Media` and `social_media` are `social-media`. */
export function comparable(text: string): string {
  const lower = text.trim().toLowerCase();
  return SEPARATORS.test(lower) ? lower.replace(ALL_SEPARATORS, '-') : lower;
}
const SEPARATORS = /[\s_]/;
const ALL_SEPARATORS = /[\s_]+/g;

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}
