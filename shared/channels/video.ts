/** Sites that are there for watching. */
import type { SourceTable } from './source-tables.ts';

export const VIDEO = {
  YouTube:
    'youtube yt youtube.com youtu.be youtube-nocookie.com app:com.google.android.youtube ' +
    'app:com.google.android.apps.youtube',
  Vimeo: 'vimeo vimeo.com app:com.vimeo',
  Twitch: 'twitch twitch.tv app:tv.twitch',
  Dailymotion: 'dailymotion dailymotion.com dai.ly app:com.dailymotion.dailymotion',
  Netflix: 'netflix netflix.com app:com.netflix',
  Hulu: 'hulu hulu.com app:com.hulu',
  'Disney+': 'disneyplus disneyplus.com app:com.disney.disneyplus',
  iQIYI: 'iqiyi iqiyi.com iq.com app:com.iqiyi app:com.qiyi',
  Youku: 'youku youku.com app:com.youku',
  Bilibili: 'bilibili bilibili.com bilibili.tv b23.tv app:tv.danmaku.bili',
  Kuaishou: 'kuaishou kuaishou.com',
  Ixigua: 'ixigua.com',
  Rumble: 'rumble rumble.com',
  Odysee: 'odysee odysee.com',
  Kick: 'kick.com',
  Rutube: 'rutube rutube.ru',
  'VK Video': 'vkvideo.ru app:com.vk.vkvideo',
  SOOP: 'sooplive.com sooplive.co.kr',
  TED: 'ted ted.com app:com.ted.android',
  Wistia: 'wistia wistia.com wistia.net',
  Crackle: 'crackle crackle.com',
  CuriosityStream: 'curiositystream curiositystream.com',
  DTube: 'd.tube',
  Utreon: 'utreon utreon.com',
  Veoh: 'veoh veoh.com',
  'Justin.tv': 'justin.tv',
  'Viadeo on JDN': 'viadeo.journaldunet.com',
} as const satisfies SourceTable;
