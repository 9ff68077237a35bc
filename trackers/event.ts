/**
 * What a tracker's object becomes. Everything in this folder is pure: one file a tracker, taken by `sojourn import`
 * for files and by `sojourn collect` for requests, so that past and present give the same events.
 */
import { hash } from 'node:crypto';
import { EVENT_ID_CHARS_MAX, EVENT_TYPE_CHARS_MAX } from '../shared/limits.ts';

/** An event as a producer would publish it (docs/publishing.md); the border checks it, nothing here does. */
export type RawEvent = Record<string, unknown>;

/** Whose session is not given by the tracker: the events of one visitor are cut into sessions, by idleness, by whoever takes them. */
export interface TrackedEvent {
  /** Has `sessionId`, or `visitor` is set. */
  readonly event: RawEvent;
  /** Key of the visitor; unique within the project and the tracker. */
  readonly visitor?: string;
}

/** What a tracker's object is instead of an event, where it should have been one. */
export interface Fault {
  /** One readable sentence naming the field. */
  readonly fault: string;
}

/** Empty where there is nothing to count (identify, group, a drop). */
export type Tracked = readonly (TrackedEvent | Fault)[];

/** When a request was sent by the sender's clock and received by ours, epoch milliseconds; both are needed to correct a clock. */
export interface Received {
  readonly sentAt?: number | undefined;
  readonly receivedAt?: number | undefined;
}

/**
 * An event as the border takes it, which makes a dead letter of what is too long. Trackers have names of any length: a
 * longer one is cut, between characters. And ids that are made of several (the order of a shop, the number of a request):
 * a longer one is known by its hash, so that the same one is the same still.
 */
export function fitted(event: RawEvent): RawEvent {
  const { eventType, eventId } = event;
  const isNameLong = typeof eventType === 'string' && eventType.length > EVENT_TYPE_CHARS_MAX;
  const isIdLong = typeof eventId === 'string' && isLonger(eventId, EVENT_ID_CHARS_MAX);
  if (!isNameLong && !isIdLong) return event;
  return {
    ...event,
    ...(isNameLong && { eventType: headOf(eventType, EVENT_TYPE_CHARS_MAX) }),
    // Half a character has no bytes of its own: what the border refuses it goes on to refuse.
    ...(isIdLong && eventId.isWellFormed() && { eventId: hash('sha256', eventId, 'base64url') }),
  };
}

/** A character is two places at most: of a text of any length no more is looked at. */
function headOf(text: string, charsMax: number): string {
  return Array.from(text.slice(0, 2 * charsMax))
    .slice(0, charsMax)
    .join('');
}

function isLonger(text: string, charsMax: number): boolean {
  return text.length > charsMax && (text.length > 2 * charsMax || headOf(text, charsMax) !== text);
}

/** As the trackers' maps write it. */
const HEARTBEAT = 'heartbeat';

/** Whether a visitor without a session begins one by it. Somebody still looks at a page, of a visit that is over: nothing begins by that. */
export function beginsVisit({ eventType }: RawEvent): boolean {
  return eventType !== HEARTBEAT;
}

export const NOTHING: Tracked = [];

export function fault(sentence: string): Tracked {
  return [{ fault: sentence }];
}

export function isFault(tracked: TrackedEvent | Fault): tracked is Fault {
  return 'fault' in tracked;
}
