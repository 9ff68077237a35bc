/** One message through the border and through the naive reading: do they agree? */
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { isDeepStrictEqual } from 'node:util';
import { parseMessage, type ParsedMessage } from '../../workers/ingest/parse-event.ts';
import { rawMessageOf } from '../../workers/ingest/raw-message.ts';
import { loadZones } from '../../platform/zones.ts';
import { DEFAULT_SETTINGS } from '../../shared/project.ts';
import { createDayTurned } from '../../shared/zones/index.ts';
import { expectedOf, fallbackId, type NaiveMessage } from './naive-border.ts';

export interface Compared {
  readonly events: number;
  readonly letters: number;
  /** What the border took for it, milliseconds. */
  readonly tookMs: number;
  /** What they disagree about. */
  readonly complaint?: string;
}

export function compare(message: NaiveMessage): Compared {
  const begin = performance.now();
  let parsed: ParsedMessage;
  try {
    parsed = parse(message);
  } catch (error) {
    const tookMs = performance.now() - begin;
    return { events: 0, letters: 0, tookMs, complaint: `thrown: ${String(error)}` };
  }
  const tookMs = leastOf(message, performance.now() - begin);
  const complaint = complaintAbout(parsed, message);
  return {
    events: parsed.events.length,
    letters: parsed.deadLetters.length,
    tookMs,
    ...(complaint !== undefined && { complaint }),
  };
}

/** A zone of which some hours are of two days. */
const SETTINGS = { ...DEFAULT_SETTINGS, timeZone: 'Asia/Kolkata' };
const dayTurned = createDayTurned(loadZones());

/** As ingest does it. */
export function parse({
  subject,
  data,
  seq,
  receivedAt,
  headers: given,
  placesSince,
}: NaiveMessage) {
  const decode = () => {
    if (given === 'broken') throw new Error("'ä' is not a valid character in a header name");
    return asHeaders(given);
  };
  const raw = rawMessageOf({ subject, data, seq, receivedAt, headers: decode }, placesSince);
  return parseMessage(raw, () => SETTINGS, dayTurned);
}

/** As the client decodes them: any value, without a check. */
function asHeaders(given: Readonly<Record<string, string>>): MsgHdrs {
  const head = headers();
  const values = (head as unknown as { readonly headers: Map<string, string[]> }).headers;
  for (const [name, value] of Object.entries(given)) values.set(name, [value]);
  return head;
}

/** Slower than nearly all: then it may as well have been the machine. */
const SLOW_MS = 2;
const AGAIN = 3;

/** Of a message that seems slow, the best of some tries. */
function leastOf(message: NaiveMessage, tookMs: number): number {
  let least = tookMs;
  for (let tries = 0; tries < AGAIN && least > SLOW_MS; tries += 1) {
    const begin = performance.now();
    parse(message);
    least = Math.min(least, performance.now() - begin);
  }
  return least;
}

/** What the border made of a message, against what the contract says of it. */
export function complaintAbout(parsed: ParsedMessage, message: NaiveMessage): string | undefined {
  const expected = expectedOf(message);
  if (parsed.events.length !== expected.events.length) {
    const reasons = parsed.deadLetters.map(({ reason }) => reason);
    return `${parsed.events.length} events instead of ${expected.events.length}: ${reasons.join('; ')}`;
  }
  if (parsed.deadLetters.length !== expected.letters.length) {
    return `${parsed.deadLetters.length} letters instead of ${expected.letters.length}`;
  }
  for (const [n, { sessionId, fields }] of expected.events.entries()) {
    const found = parsed.events[n];
    const { key, ...event } = found?.event ?? { key: undefined };
    const isKeyed = (key !== undefined) === String(fields['id']).length > 40;
    if (found?.sessionId !== sessionId || !isKeyed || !isDeepStrictEqual(event, fields)) {
      return `event ${n} is ${JSON.stringify(found)} instead of ${JSON.stringify({ sessionId, fields })}`;
    }
  }
  for (const [n, { data, index, names }] of expected.letters.entries()) {
    const letter = parsed.deadLetters[n];
    if (letter === undefined || !data.equals(letter.data)) return `letter ${n} has other bytes`;
    if (letter.index !== index) return `letter ${n} is of another element`;
    if (!names.some((name) => letter.reason.includes(name))) {
      return `letter ${n} says "${letter.reason}", not a word of ${names.join(', ')}`;
    }
    const id = fallbackId(message, index);
    if (id !== undefined && letter.eventId !== id)
      return `letter ${n} has the id ${letter.eventId}`;
  }
  return undefined;
}
