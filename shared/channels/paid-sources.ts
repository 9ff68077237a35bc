/** Words in `utm_source` that name a source and say that it has been paid for: exact words, for `threads` ends in `ads`. */
import type { SourceTable } from './source-tables.ts';

export const PAID_SOURCES = {
  Google: 'adwords gads googleads google-ads google-ad googleadwords google-adwords',
  Bing: 'bingads bing-ads microsoft-ads microsoftads',
  Yandex: 'yandex-direct yandexdirect',
  Baidu: 'baidu-ads',
  YouTube: 'yt-ads youtube-ads youtubeads',
  Facebook:
    'facebookads facebook-ads facebook-ad facebook-feed-ad fbads fb-ads fbad fb-ad facebook-paid',
  Meta: 'metaads meta-ads',
  Instagram: 'igads ig-ads instagramads instagram-ads instagram-ad',
  X: 'twitterads twitter-ads x-ads',
  LinkedIn: 'linkedinads linkedin-ads linkedin-ad',
  Reddit: 'redditads reddit-ads reddit-ad',
  Pinterest: 'pinterestads pinterest-ads',
  TikTok: 'tiktokads tiktok-ads tiktok-ad',
  Snapchat: 'snapchatads snapchat-ads snap-ads',
  Quora: 'quoraads quora-ads',
  VK: 'vk-ads vkads',
  Amazon: 'amazonads amazon-ads',
} as const satisfies SourceTable;
