/**
 * Events of a session that does not take them become dead letters: as they were published, under the id they
 * have, so that they count once, whenever and however often they are replayed.
 */
import { hash as digest } from 'node:crypto';
import type { StoredMsg } from '@nats-io/jetstream';
import { each } from '../../shared/each.ts';
import { isDeclared, nameOfDeclared, type VisitorEvent } from '../../shared/event.ts';
import { DEFAULT_SETTINGS, type ProjectSettings } from '../../shared/project.ts';
import type { LetterSource } from './dead-letters.ts';
import type { Delivery, HeldMessage } from './gather.ts';
import { asBuffer, elementSlices, isArrayText } from './json-slices.ts';
import {
  type DeadLetter,
  parseMessage,
  type ParsedMessage,
  type RawMessage,
  type SettingsOf,
} from './parse-event.ts';

export interface GiveUpDeps {
  /** A message of EVENTS as it was published; null where it is there no longer. */
  readonly fetch: (seq: number) => Promise<StoredMsg | null>;
  /** The message as the border reads it. */
  readonly rawOf: (message: StoredMsg) => RawMessage;
  /** Without it every project has the default settings. */
  readonly settingsOf?: SettingsOf;
  readonly keep: (project: string, source: LetterSource, letter: DeadLetter) => Promise<void>;
}

/** Messages fetched and letters kept at a time. */
const AT_A_TIME = 16;

/** @returns resolves when DEADLETTERS keeps each event of the delivery */
export function createGiveUp({
  fetch,
  rawOf,
  keep,
  settingsOf = () => DEFAULT_SETTINGS,
}: GiveUpDeps) {
  async function giveUpMessage(
    { project, sessionId }: Delivery,
    { seq, receivedAt }: HeldMessage,
    events: readonly VisitorEvent[],
    reason: string,
  ): Promise<void> {
    const message = await fetch(seq);
    // A stream made anew, or put back to an older copy, gives the sequence to another message.
    const raw = message?.time.getTime() === receivedAt ? rawOf(message) : undefined;
    const parts = raw && partsOf(raw, settingsOf);
    for (const event of events) {
      const part = parts?.get(partKey(sessionId, event));
      const said = { reason, eventId: event.id };
      if (raw !== undefined && part !== undefined) {
        const { subject, place = String(seq) } = raw;
        await keep(project, { subject, seq, place }, { ...said, ...part });
      } else {
        // Purged meanwhile, or too old: what was read of it is all there is.
        const published = asPublished(sessionId, event, settingsOf(project));
        const data = Buffer.from(JSON.stringify(published));
        await keep(project, sourceOf(project, sessionId, event), { ...said, data });
      }
    }
  }

  return async (delivery: Delivery, reason: string): Promise<void> => {
    await each([...eventsByMessage(delivery)], AT_A_TIME, ([message, events]) =>
      giveUpMessage(delivery, message, events, reason),
    );
  };
}

function eventsByMessage({ events, messages }: Delivery): Map<HeldMessage, VisitorEvent[]> {
  const byMessage = new Map<HeldMessage, VisitorEvent[]>();
  for (const [n, event] of events.entries()) {
    const message = messages[n] as HeldMessage;
    byMessage.set(message, [...(byMessage.get(message) ?? []), event]);
  }
  return byMessage;
}

/** Where an event came from whose message is gone: several of one message must not be taken for the same letter. */
function sourceOf(
  project: string,
  sessionId: string,
  { id, type, seq }: VisitorEvent,
): LetterSource {
  const known = digest('sha256', JSON.stringify([project, sessionId, id, seq]), 'base64url');
  // Replay publishes there, and NATS takes no such characters.
  const token = type.replace(/[\s\p{C}.*>]/gu, '_');
  return { subject: `events.${project}.${token}`, seq, place: `${seq}-${known}` };
}

interface Part {
  readonly data: Uint8Array;
  readonly index?: number;
}

/** The good events of a message, by session and id, each with its bytes. */
export function partsOf(raw: RawMessage, settingsOf: SettingsOf): Map<string, Part> {
  const { data } = raw;
  const parsed = parseMessage(raw, settingsOf);
  if (!isArrayText(data)) {
    return new Map(parsed.events.map((e) => [partKey(e.sessionId, e.event), { data }]));
  }
  const slices = elementSlices(asBuffer(data));
  const parts = new Map<string, Part>();
  for (const [n, index] of goodIndexes(parsed, slices.length).entries()) {
    const [found, slice] = [parsed.events[n], slices[index]];
    if (found === undefined || slice === undefined) continue;
    const key = partKey(found.sessionId, found.event);
    // Of two with the same id the first one is the one that counts.
    if (!parts.has(key)) parts.set(key, { data: data.subarray(slice.start, slice.end), index });
  }
  return parts;
}

function goodIndexes({ deadLetters }: ParsedMessage, count: number): number[] {
  const bad = new Set(deadLetters.map(({ index }) => index));
  return Array.from({ length: count }, (_, index) => index).filter((index) => !bad.has(index));
}

export function partKey(sessionId: string, { id }: VisitorEvent): string {
  return `${sessionId}\n${id}`;
}

/** An event in the form that producers give it. What is no declared dimension any more goes. */
function asPublished(
  sessionId: string,
  event: VisitorEvent,
  { dimensions }: ProjectSettings,
): object {
  const {
    id,
    key: _key,
    type,
    at,
    seq: _seq,
    dayTurned: _turned,
    userId,
    visitorId,
    ...rest
  } = event;
  const declared = new Map(Object.entries(dimensions));
  const properties = Object.fromEntries(
    Object.entries(rest).flatMap(([name, value]) => {
      const property = isDeclared(name) ? declared.get(nameOfDeclared(name)) : name;
      return property === undefined ? [] : [[property, value] as const];
    }),
  );
  return {
    eventId: id,
    eventType: type,
    sessionId,
    timestamp: at,
    ...(userId !== undefined && { userId }),
    ...(visitorId !== undefined && { visitorId }),
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
