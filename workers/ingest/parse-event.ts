/**
 * The border: bytes of a message in, checked events out. What breaks a rule of CONTRACT, section 1,
 * becomes a dead letter with one sentence that names the field; nothing is dropped, nothing repaired.
 *
 * Whatever the bytes are, this takes a time that grows with their number only: they are decoded once, read once by
 * `JSON.parse`, and looked through once for where the parts lie. A rule that is broken is a value here, no error:
 * a thousand errors, each with its stack, take longer than all the rest.
 */
import { parseEventSubject } from '../../shared/ids.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import {
  EVENT_BYTES_MAX,
  EVENT_DEPTH_MAX,
  EVENTS_PER_MESSAGE_MAX,
  HEADER_ID_CHARS_MAX,
  MESSAGE_BYTES_MAX,
} from '../../shared/limits.ts';
import { asBuffer, depthOf, elementSlices, isArrayText, type Slice } from './json-slices.ts';
import { DEFAULT_SETTINGS, type ProjectSettings } from '../../shared/project.ts';
import type { DayTurned } from '../../shared/zones/index.ts';
import { Fault } from '../../shared/fault.ts';
import { type EventSource, parseFields } from './parse-fields.ts';

export interface RawMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Header `Sojourn-Event-Id`, which replayed dead letters have, else `Nats-Msg-Id`. */
  readonly messageId?: string;
  /** What is wrong with its headers, where they cannot be read. */
  readonly headersFault?: string;
  /** Sequence in the stream EVENTS. */
  readonly seq: number;
  /** What an event without any id is known by, as {@link placeOf} makes it; not given: the bare sequence. */
  readonly place?: string;
  /** When the stream took it, epoch milliseconds: the same at every redelivery. */
  readonly receivedAt: number;
}

export interface SessionEvent {
  readonly sessionId: string;
  readonly event: VisitorEvent;
}

/** What is wrong, and the bytes that are. */
export interface DeadLetter {
  readonly reason: string;
  readonly data: Uint8Array;
  /** Index of the element where a message held an array. */
  readonly index?: number;
  /** What its event is identified by where it brings no id itself, now and when it is replayed. */
  readonly eventId: string;
}

export interface ParsedMessage {
  readonly project: string;
  readonly events: readonly SessionEvent[];
  readonly deadLetters: readonly DeadLetter[];
}

/** What is set for a project. */
export type SettingsOf = (project: string) => ProjectSettings;

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Checks a message. Never throws: what cannot be read is a dead letter.
 * @param settingsOf without it every project has the default settings
 * @param dayTurned without it no event is marked: for whoever wants to know only what is wrong with them
 */
export function parseMessage(
  message: RawMessage,
  settingsOf?: SettingsOf,
  dayTurned?: DayTurned,
): ParsedMessage {
  const subject = subjectOf(message.subject);
  const project = subject?.valid === true ? subject.project : fileUnder(subject?.project);
  const parsed =
    subject?.valid === true
      ? parseBody(project, message, settingsOf, dayTurned)
      : new Fault(
          'subject must be events.<project>.<eventType> with a project of 1 to 64 characters a-z, 0-9, _ or -',
        );
  if (!(parsed instanceof Fault)) return parsed;
  return { project, events: [], deadLetters: [letterOf(message, parsed.reason)] };
}

/** The message as a whole. */
export function letterOf(message: RawMessage, reason: string): DeadLetter {
  return { reason, data: message.data, eventId: letterId(message) };
}

let lastSubject = '';
let lastParsed: ReturnType<typeof parseEventSubject>;

/** Many messages in a row have the same one: an import's have one all along. */
function subjectOf(subject: string): ReturnType<typeof parseEventSubject> {
  if (subject !== lastSubject) {
    lastParsed = parseEventSubject(subject);
    lastSubject = subject;
  }
  return lastParsed;
}

/** @returns what is wrong with the message as a whole, where something is */
function parseBody(
  project: string,
  message: RawMessage,
  settingsOf: SettingsOf | undefined,
  dayTurned: DayTurned | undefined,
): ParsedMessage | Fault {
  if (message.headersFault !== undefined) return new Fault(message.headersFault);
  if (message.data.length > MESSAGE_BYTES_MAX) return new Fault('message must be at most 1 MiB');
  if (message.data.length === 0) return new Fault('message must be JSON, but is empty');

  const border = {
    settings: settingsOf?.(project) ?? DEFAULT_SETTINGS,
    ...(dayTurned && { dayTurned }),
  };
  const text = decode(message.data);
  if (text === undefined) return new Fault('message must be UTF-8');
  if (!isArrayText(message.data)) {
    if (message.data.length > EVENT_BYTES_MAX) return new Fault('event must be at most 64 KiB');
    const value = read(text);
    if (value instanceof Fault) return value;
    if (isNestedTooDeeply(text, message.data)) return new Fault(TOO_DEEP);
    const event = parseFields(value, { message, text, id: idOf, ...border });
    return event instanceof Fault ? event : { project, events: [event], deadLetters: [] };
  }
  const elements = read(text);
  if (elements instanceof Fault) return elements;
  const { length } = elements as readonly unknown[];
  if (length === 0) return new Fault('array must hold at least 1 event');
  if (length > EVENTS_PER_MESSAGE_MAX) {
    return new Fault(`array must hold at most ${EVENTS_PER_MESSAGE_MAX} events`);
  }
  return { project, ...parseElements(elements as readonly unknown[], message, border) };
}

/** The place of a message: other than a sequence, never the same again when the stream is made anew or put back. */
export function placeOf(seq: number, receivedAt: number): string {
  return `${receivedAt.toString(36)}-${seq}`;
}

function parseElements(
  elements: readonly unknown[],
  message: RawMessage,
  border: Pick<EventSource, 'settings' | 'dayTurned'>,
): Omit<ParsedMessage, 'project'> {
  const events: SessionEvent[] = [];
  const deadLetters: DeadLetter[] = [];
  const json = asBuffer(message.data);
  const slices = elementSlices(json);
  for (const [index, element] of elements.entries()) {
    const slice = slices[index] as Slice;
    const { start, end } = slice;
    const event =
      checkSlice(slice) ?? parseFields(element, { message, start, index, id: idOf, ...border });
    if (event instanceof Fault) {
      const data = json.subarray(start, end);
      deadLetters.push({ reason: event.reason, data, index, eventId: letterId(message, index) });
    } else {
      events.push(event);
    }
  }
  return { events, deadLetters };
}

const TOO_DEEP = `event must be nested at most ${EVENT_DEPTH_MAX} deep`;

function checkSlice({ start, end, depth }: Slice): Fault | undefined {
  if (end - start > EVENT_BYTES_MAX) return new Fault('event must be at most 64 KiB');
  return depth > EVENT_DEPTH_MAX ? new Fault(TOO_DEEP) : undefined;
}

/** Nearly every event has one or two brackets, which are counted sooner than anything is looked through. */
function isNestedTooDeeply(text: string, data: Uint8Array): boolean {
  const openings =
    countUpTo(EVENT_DEPTH_MAX + 1, text, '{') + countUpTo(EVENT_DEPTH_MAX + 1, text, '[');
  return openings > EVENT_DEPTH_MAX && depthOf(asBuffer(data)) > EVENT_DEPTH_MAX;
}

function countUpTo(most: number, text: string, bracket: string): number {
  let count = 0;
  for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
    count += 1;
    if (count === most) break;
  }
  return count;
}

function decode(data: Uint8Array): string | undefined {
  try {
    return decoder.decode(data);
  } catch {
    return undefined;
  }
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return new Fault('message must be JSON');
  }
}

/** Dead letters of a subject without a usable project lie under `_`. */
function fileUnder(project: string | undefined): string {
  return project !== undefined && /^[\w-]{1,64}$/.test(project) ? project : '_';
}

/** The id of an event that brings none itself. */
function idOf(message: RawMessage, index?: number): string | Fault {
  const { messageId, seq, place = String(seq) } = message;
  if (messageId === undefined || messageId === '') return withIndex(place, index);
  const id = withIndex(messageId, index);
  return headerIdFault(id) ?? id;
}

function letterId(message: RawMessage, index?: number): string {
  const id = idOf(message, index);
  const { seq, place = String(seq) } = message;
  return id instanceof Fault ? withIndex(place, index) : id;
}

function withIndex(id: string, index?: number): string {
  return index === undefined ? id : `${id}#${index}`;
}

/** A header is bytes: what is no UTF-8 in it came out as U+FFFD, and two such ids could not be told apart. */
function headerIdFault(id: string): Fault | undefined {
  if (id.length > HEADER_ID_CHARS_MAX * 2 || Array.from(id).length > HEADER_ID_CHARS_MAX) {
    return new Fault(`header Nats-Msg-Id must be at most ${HEADER_ID_CHARS_MAX} characters long`);
  }
  return /[\p{Cc}\ufffd]/u.test(id)
    ? new Fault('header Nats-Msg-Id must be UTF-8 without control characters')
    : undefined;
}
