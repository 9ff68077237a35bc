/**
 * The channel of a visit, from its source, medium and campaign: the first that fits. `docs/channels.md` has the same
 * order in words, and says where it is GA4's, Plausible's or PostHog's.
 */
import type { Channel } from './channel-names.ts';
import { channelOfMedium, isDisplay, isPaid, isVideo, KIND_WORDS } from './media.ts';
import type { SourceKind } from './source-tables.ts';

export interface Visit {
  /** Who says where somebody came from: a tag (or the producer), a click id, or the referrer. */
  readonly sourceBy?: 'tag' | 'click' | 'referrer';
  readonly kind?: SourceKind;
  /** By a click id or by the source's name; a medium says it besides. */
  readonly paid: boolean;
  /** As `comparable` makes them; empty where there is none. */
  readonly medium: string;
  readonly campaign: string;
}

/** `shop` at the beginning of a word (also of `eshop`), or `shopping`; not `workshop`. */
const SHOPPING_CAMPAIGN = /(?:^|[^a-df-z])shop|shopping/;

/** @returns `undefined` for a direct visit */
export function channelOf(visit: Visit): Channel | undefined {
  const { campaign, medium } = visit;
  if (campaign.includes('cross-network')) return 'Cross-network';
  if (isDisplay(medium)) return 'Display';
  const shopping = SHOPPING_CAMPAIGN.test(campaign);
  // A tagged source of these kinds says more than the medium does; so GA4, Plausible and PostHog, all three.
  const told = visit.sourceBy === 'tag' && isPlace(visit.kind);
  if (!told && !shopping) {
    const named = channelOfMedium(medium);
    if (named !== undefined) return named;
  }
  if (visit.paid || isPaid(medium)) return paidChannel(visit, shopping);
  if (shopping && !told) return 'Organic Shopping';
  return organicChannel(visit);
}

function isPlace(kind: SourceKind | undefined): boolean {
  return kind === 'search' || kind === 'social' || kind === 'video' || kind === 'shopping';
}

const PAID_CHANNELS: Readonly<Partial<Record<SourceKind, Channel>>> = {
  search: 'Paid Search',
  social: 'Paid Social',
  video: 'Paid Video',
  shopping: 'Paid Shopping',
};

function paidChannel({ sourceBy, kind, medium }: Visit, shopping: boolean): Channel {
  const channel = kind && PAID_CHANNELS[kind];
  // What was clicked on is known; a referrer alone is a guess, and the campaign the better one.
  if (channel !== undefined && (sourceBy !== 'referrer' || !shopping)) return channel;
  if (shopping) return 'Paid Shopping';
  return medium === 'cpm' ? 'Display' : 'Paid Other';
}

const OTHER_CHANNELS: Readonly<Partial<Record<SourceKind, Channel>>> = {
  email: 'Email',
  sms: 'SMS',
  push: 'Mobile Push',
  affiliates: 'Affiliates',
  audio: 'Audio',
  display: 'Display',
};

function organicChannel({ sourceBy, kind, medium }: Visit): Channel | undefined {
  if (kind === 'assistant') return 'AI Assistants';
  if (kind === 'shopping' || KIND_WORDS.shopping.has(medium)) return 'Organic Shopping';
  if (kind === 'social' || KIND_WORDS.social.has(medium)) return 'Organic Social';
  if (kind === 'video' || isVideo(medium)) return 'Organic Video';
  if (kind === 'search' || KIND_WORDS.search.has(medium)) return 'Organic Search';
  return (kind && OTHER_CHANNELS[kind]) ?? (sourceBy && 'Referral');
}
