/** Where a consumer of EVENTS begins, as an operator says it. Kept free of what takes time to load: help needs it. */
import { NATS_TIME_END } from '../shared/limits.ts';
import { parseMoment } from './moment.ts';

/** Where to begin, as an operator says it: a sequence, a time, with what is new, or with everything. */
export type EventsFrom = { readonly seq: number } | { readonly time: Date } | 'new' | 'all';

/** @returns undefined where the text is none of `all`, `new`, a sequence, or an RFC 3339 time from 1970 to 2262 */
export function parseEventsFrom(text: string): EventsFrom | undefined {
  if (text === 'all' || text === 'new') return text;
  if (/^[1-9]\d{0,15}$/.test(text)) return { seq: Number(text) };
  const at = text.includes('T') ? parseMoment(text) : undefined;
  return at !== undefined && at >= 0 && at < NATS_TIME_END ? { time: new Date(at) } : undefined;
}
