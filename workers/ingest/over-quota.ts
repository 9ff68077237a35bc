/**
 * A message over its project's quota becomes a dead letter: as a whole, byte for byte, under the id that it is known by,
 * so that its events count once, whenever it is replayed.
 */
import { partKey, partsOf } from './give-up.ts';
import {
  type DeadLetter,
  letterOf,
  type ParsedMessage,
  type RawMessage,
  type SessionEvent,
  type SettingsOf,
} from './parse-event.ts';

export interface OverQuota {
  /** Of its events those that are nobody's who is forgotten. */
  readonly good: readonly SessionEvent[];
  readonly reason: string;
  readonly settingsOf: SettingsOf;
}

/** What cannot be read at all keeps the reason that it has. */
export function overQuota(
  raw: RawMessage,
  { events, deadLetters }: ParsedMessage,
  { good, reason, settingsOf }: OverQuota,
): { readonly events: readonly []; readonly deadLetters: readonly DeadLetter[] } {
  if (events.length === 0) return { events: [], deadLetters };
  if (good.length === events.length) {
    return { events: [], deadLetters: [letterOf(raw, reason)] };
  }
  // Of an array with an event of somebody who is forgotten the others go, each by itself.
  const parts = partsOf(raw, settingsOf);
  const letters = good.flatMap(({ sessionId, event }) => {
    const part = parts.get(partKey(sessionId, event));
    return part === undefined ? [] : [{ ...part, reason, eventId: event.id }];
  });
  return { events: [], deadLetters: [...letters, ...deadLetters] };
}
