/**
 * What the reason of a dead letter names, in a word: the sentences hold values and numbers, and each label is a series
 * that Prometheus keeps. Pure.
 */

import { OVER_QUOTA } from '../shared/quota.ts';

/** What reasons begin with (workers/ingest/parse-event.ts, parse-fields.ts, stuck-sessions.ts). */
const SUBJECTS: ReadonlySet<string> = new Set([
  'event',
  'eventId',
  'eventType',
  'header',
  'headers',
  'message',
  'properties',
  'session',
  'sessionId',
  'subject',
  'timestamp',
  'userId',
  'visitorId',
]);

/** `quota` of what is over it; `sessionId` of `sessionId is required`; `properties.revenue` of a property; `other` of what is not known. */
export function labelOfReason(reason: string): string {
  if (reason.startsWith(OVER_QUOTA)) return 'quota';
  const [first = ''] = /^[\w.]*/.exec(reason) ?? [];
  if (SUBJECTS.has(first)) return first;
  const [, property = ''] = /^properties\.(\w{1,32})/.exec(reason) ?? [];
  return PROPERTIES.has(property) ? `properties.${property}` : 'other';
}

const PROPERTIES: ReadonlySet<string> = new Set(['revenue', 'currency', 'path']);
