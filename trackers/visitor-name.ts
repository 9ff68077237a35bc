/**
 * What a tracker's visitor is called where the tracker gives no session. An id that could be mistaken for one of another
 * sort has the sort before it. All sorts stand here, and so do all trackers: `sojourn forget` looks for a person under
 * every name that an adapter could have given them, and a sort that only its adapter knew would be left out.
 */

/** Trackers whose visitors `sojourn collect` gives sessions to. RudderStack's visitors are Segment's. */
export const TRACKERS = [
  'segment',
  'snowplow',
  'plausible',
  'umami',
  'matomo',
  'posthog',
  'ga4',
] as const;
export type TrackerName = (typeof TRACKERS)[number];

/** What an id is, and what stands before it. Ids of trackers that have one sort only stand alone. */
const PREFIXES = {
  /** Segment and Matomo: the site has said who it is. */
  user: 'user:',
  /** Umami: its distinct id, which is a user's. */
  id: 'id:',
  /** Segment: nobody has said who it is. */
  anonymous: 'anonymous:',
  /** Matomo: a browser. */
  device: 'device:',
} as const;
type VisitorSort = keyof typeof PREFIXES;

export function visitorName(sort: VisitorSort, id: string): string {
  return `${PREFIXES[sort]}${id}`;
}

/** All that somebody with this id may be called: a tracker calls a user what another calls a device. */
export function visitorNamesOf(id: string): readonly string[] {
  return [id, ...Object.values(PREFIXES).map((prefix) => `${prefix}${id}`)];
}
