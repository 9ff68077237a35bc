/**
 * Events of a session that does not take them become dead letters: as they were published, under the id they
 * have, so that they count once, whenever and however often they are replayed.
 */
import type { StoredMsg } from '@nats-io/jetstream';
import type { VisitorEvent } from '../../shared/event.ts';
import { elementSlices } from './array-elements.ts';
import type { Delivery, HeldMessage } from './gather.ts';
import { type DeadLetter, parseMessage, type ParsedMessage } from './parse-event.ts';

/** Where a dead letter comes from. */
export interface LetterSource {
  readonly subject: string;
  readonly seq: number;
}

export interface GiveUpDeps {
  /** A message of EVENTS as it was published; null where it is there no longer. */
  readonly fetch: (seq: number) => Promise<StoredMsg | null>;
  /** The id that the message's headers give. */
  readonly messageIdOf: (message: StoredMsg) => string | undefined;
  readonly keep: (project: string, source: LetterSource, letter: DeadLetter) => Promise<void>;
}

/** Messages fetched and letters kept at a time. */
const AT_A_TIME = 16;

/** @returns resolves when DEADLETTERS keeps each event of the delivery */
export function createGiveUp({ fetch, messageIdOf, keep }: GiveUpDeps) {
  async function giveUpMessage(
    { project, sessionId }: Delivery,
    seq: number,
    events: readonly VisitorEvent[],
    reason: string,
  ): Promise<void> {
    const message = await fetch(seq);
    const parts = message === null ? undefined : partsOf(message, messageIdOf(message));
    for (const event of events) {
      const part = parts?.get(partKey(sessionId, event));
      const letter: DeadLetter = {
        reason,
        // Purged meanwhile, or too old: what was read of it is all there is.
        data: part?.data ?? Buffer.from(JSON.stringify(asPublished(sessionId, event))),
        ...(part?.index !== undefined && { index: part.index }),
        eventId: event.id,
      };
      const subject = message?.subject ?? `events.${project}.${event.type}`;
      await keep(project, { subject, seq }, letter);
    }
  }

  return async (delivery: Delivery, reason: string): Promise<void> => {
    const queue = [...eventsByMessage(delivery)];
    const work = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        await giveUpMessage(delivery, next[0], next[1], reason);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
  };
}

function eventsByMessage({ events, messages }: Delivery): Map<number, VisitorEvent[]> {
  const bySeq = new Map<number, VisitorEvent[]>();
  for (const [n, event] of events.entries()) {
    const { seq } = messages[n] as HeldMessage;
    bySeq.set(seq, [...(bySeq.get(seq) ?? []), event]);
  }
  return bySeq;
}

interface Part {
  readonly data: Uint8Array;
  readonly index?: number;
}

/** The good events of a message, by session and id, each with its bytes. */
function partsOf(message: StoredMsg, messageId: string | undefined): Map<string, Part> {
  const { subject, data, seq } = message;
  const receivedAt = message.time.getTime();
  const parsed = parseMessage({ subject, data, seq, receivedAt, ...(messageId && { messageId }) });
  const isArray = firstByte(data) === OPENING_BRACKET;
  if (!isArray) return new Map(parsed.events.map((e) => [partKey(e.sessionId, e.event), { data }]));
  const slices = elementSlices(data);
  const parts = new Map<string, Part>();
  for (const [n, index] of goodIndexes(parsed, slices.length).entries()) {
    const [found, slice] = [parsed.events[n], slices[index]];
    if (found === undefined || slice === undefined) continue;
    const key = partKey(found.sessionId, found.event);
    // Of two with the same id the first one is the one that counts.
    if (!parts.has(key)) parts.set(key, { data: slice, index });
  }
  return parts;
}

function goodIndexes({ deadLetters }: ParsedMessage, count: number): number[] {
  const bad = new Set(deadLetters.map(({ index }) => index));
  return Array.from({ length: count }, (_, index) => index).filter((index) => !bad.has(index));
}

function partKey(sessionId: string, { id }: VisitorEvent): string {
  return `${sessionId}\n${id}`;
}

const OPENING_BRACKET = 0x5b;

/** The first that is neither space nor part of a byte order mark. */
function firstByte(data: Uint8Array): number | undefined {
  return data.find((byte) => ![0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf].includes(byte));
}

/** An event in the form that producers give it. */
function asPublished(sessionId: string, event: VisitorEvent): object {
  const { id, key: _key, type, at, seq: _seq, userId, ...properties } = event;
  return {
    eventId: id,
    eventType: type,
    sessionId,
    timestamp: at,
    ...(userId !== undefined && { userId }),
    properties,
  };
}

/** In the words of a dead letter. */
export function stuckReason(failingForMs: number, error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  const [line = ''] = cause.message.split('\n', 1);
  // A header takes no other characters.
  const said = line.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);
  return `the session did not take this event for ${Math.round(failingForMs / 1_000)} s (${said}); replay it when the session is well`;
}
