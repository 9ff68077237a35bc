/**
 * Records of files as events: our own ones go to the border as the bytes they are, others by way of their format and then
 * to the same border. Every record is counted into the set that the import is known by, a bad one too.
 */
import { hash } from 'node:crypto';
import { forgottenIn } from '../platform/forgotten-bucket.ts';
import type { ForgottenList } from '../shared/forgotten.ts';
import type { ProjectSettings } from '../shared/project.ts';
import type { DayTurned } from '../shared/zones/index.ts';
import { beginsVisit, fitted, type RawEvent, type Tracked } from '../trackers/event.ts';
import { asBuffer, elementSlices, isArrayText } from '../workers/ingest/json-slices.ts';
import { parseMessage, type RawMessage } from '../workers/ingest/parse-event.ts';
import { createEventSet, type EventSet } from './event-set.ts';
import type { FileReader, Record_ } from './formats/format.ts';
import { FLAG, type TakenEvent } from './frame.ts';

export interface BadRecord {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
  /** What is wrong, byte for byte: of an array the element. */
  readonly data: Uint8Array;
  /** What it would be identified by. */
  readonly eventId: string;
}

export interface TakeOptions {
  readonly project: string;
  readonly settings: ProjectSettings;
  readonly dayTurned: DayTurned;
  /** When the import began, epoch milliseconds: a day after that is too far in the future. */
  readonly receivedAt: number;
  /** Events from then on are kept as they are, too, for their sessions may still be live. Epoch milliseconds. */
  readonly liveFrom: number;
  /** Events of these people are counted into the set, and go nowhere. */
  readonly forgotten?: ForgottenList;
  /** A visit begins by any event, a heartbeat too: for imports that an earlier version has begun. */
  readonly heartbeatsBegin?: boolean;
  readonly onEvent: (taken: TakenEvent) => void;
  readonly onBad: (bad: BadRecord) => void;
}

export interface Taker {
  /** @param reader undefined for our own events */
  take(file: string, record: Record_, reader?: FileReader): void;
  /** A file is over. @param line its last one */
  endFile(file: string, line: number, reader: FileReader): void;
  readonly set: EventSet;
  /** The greatest time of an event, epoch milliseconds; 0 where there is none. */
  readonly latestAt: number;
}

const encoder = new TextEncoder();
/** Of the visitor's session, until it is known. */
const UNKNOWN_SESSION = '-';
const CARRIAGE_RETURN = 0x0d;

export function createTaker(options: TakeOptions): Taker {
  const { project, settings, dayTurned, receivedAt, liveFrom, onEvent, onBad } = options;
  const subject = `events.${project}.import`;
  const settingsOf = () => settings;
  const set = createEventSet();
  const forgotten = forgottenIn(options.forgotten);
  let latestAt = 0;

  function takeMessage(where: Where, data: Uint8Array, place: Place, visit?: Visit): void {
    const message = new RecordMessage(subject, data, receivedAt, place);
    const { events, deadLetters } = parseMessage(message, settingsOf, dayTurned);
    for (const { reason, data: bad, index, eventId } of deadLetters) {
      const of = index === undefined ? '' : ` (element ${index + 1} of the array)`;
      onBad({ ...where, reason: `${reason}${of}`, data: bad, eventId });
    }
    if (events.length === 0) return;
    let elements: readonly Uint8Array[] | undefined;
    events.forEach((taken, n) => {
      const { sessionId, event } = taken;
      if (forgotten.isForgotten(project, taken)) return;
      latestAt = Math.max(latestAt, event.at);
      const madeId = place.isOf(event.id) ? FLAG.madeId : 0;
      const isRecent = event.at >= liveFrom;
      if (isRecent) elements ??= elementsOf(data, deadLetters);
      const raw = isRecent ? elements?.[n] : undefined;
      onEvent({
        key: visit?.visitor ?? sessionId,
        flags: madeId | (visit?.flags ?? 0),
        event,
        ...(raw !== undefined && { raw }),
      });
    });
  }

  function flagsOf(event: RawEvent): number {
    const begins = options.heartbeatsBegin === true || beginsVisit(event);
    return FLAG.visitor | (begins ? 0 : FLAG.heartbeat);
  }

  function takeTracked(where: Where, bytes: Uint8Array, place: Place, all: Tracked): void {
    all.forEach((tracked, n) => {
      if ('fault' in tracked) {
        onBad({ ...where, reason: tracked.fault, data: bytes, eventId: place.text });
        return;
      }
      const { visitor } = tracked;
      const event = fitted(tracked.event);
      const whole = visitor === undefined ? event : { ...event, sessionId: UNKNOWN_SESSION };
      const visit = visitor === undefined ? undefined : { visitor, flags: flagsOf(event) };
      takeMessage(where, encoder.encode(textOf(whole)), place.of(n), visit);
    });
  }

  return {
    set,
    get latestAt() {
      return latestAt;
    },
    take(file, { line, data }, reader) {
      const bytes = withoutReturn(bytesOf(data));
      const digest = hash('sha256', bytes, 'buffer');
      set.add(digest);
      const place = new Place(() => `~${digest.toString('base64url', 0, 16)}`);
      const where = { file, line };
      if (reader === undefined) takeMessage(where, bytes, place);
      else takeTracked(where, bytes, place, reader.read({ line, data }));
    },
    endFile(file, line, reader) {
      takeTracked({ file, line }, new Uint8Array(), new Place(() => ''), reader.end?.() ?? []);
    },
  };
}

/** A record as if JetStream had handed it over. */
class RecordMessage implements RawMessage {
  readonly seq = 1;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly receivedAt: number;
  readonly #place: Place;

  constructor(subject: string, data: Uint8Array, receivedAt: number, place: Place) {
    this.subject = subject;
    this.data = data;
    this.receivedAt = receivedAt;
    this.#place = place;
  }

  /** Made for events without an id only. */
  get place(): string {
    return this.#place.text;
  }
}

/** What events without an id are known by, worked out where there is one. A class: closures would be made for each record. */
class Place {
  readonly #make: () => string;
  #made: string | undefined;

  constructor(make: () => string) {
    this.#make = make;
  }

  get text(): string {
    this.#made ??= this.#make();
    return this.#made;
  }

  /** Whether an id was made of it. */
  isOf(eventId: string): boolean {
    const made = this.#made;
    return made !== undefined && (eventId === made || eventId.startsWith(`${made}#`));
  }

  /** Of the n-th event that a record gives. */
  of(n: number): Place {
    return new Place(() => `${this.text}.${n}`);
  }
}

/** A record as the border reads it, and as it is known by: a line as it is, a row of Parquet as JSON. */
export function bytesOf(data: Record_['data']): Uint8Array {
  return data instanceof Uint8Array ? data : encoder.encode(textOf(data));
}

/** Rows of Parquet hold whole numbers that JSON has no name for. */
function textOf(row: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(row, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

/** Of an event whose session is not known. */
interface Visit {
  readonly visitor: string;
  readonly flags: number;
}

interface Where {
  readonly file: string;
  readonly line: number;
}

/** The bytes of each event of a message that is good. */
function elementsOf(
  data: Uint8Array,
  deadLetters: readonly { readonly index?: number }[],
): readonly Uint8Array[] {
  if (!isArrayText(data)) return [data];
  const json = asBuffer(data);
  const bad = new Set(deadLetters.map(({ index }) => index));
  return elementSlices(json)
    .filter((_, index) => !bad.has(index))
    .map(({ start, end }) => json.subarray(start, end));
}

function withoutReturn(data: Uint8Array): Uint8Array {
  return data[data.length - 1] === CARRIAGE_RETURN ? data.subarray(0, -1) : data;
}
