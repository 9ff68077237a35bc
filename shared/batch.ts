/**
 * Events on their way to one session. What the events of a visitor have in common (who it is, from where,
 * with what) is said once for all that follow each other: a batch of 100 takes a third of the room then.
 */
import {
  type Attribute,
  ATTRIBUTES,
  type Attributes,
  type Declared,
  isDeclared,
  type VisitorEvent,
} from './event.ts';
import type { SentTraces } from './traces.ts';

/** Common to all batches. */
interface Sent {
  /** Stream sequence up to which JetStream redelivers nothing. */
  readonly ackFloor: number;
  /** When it was sent on its way, by the sender's clock, epoch milliseconds. */
  readonly sentAt?: number;
  /** Checkpoints are this far apart until the next batch says otherwise, milliseconds: the sender has more to do than time. */
  readonly checkpointMs?: number;
  /** Traces that its events are of, where they are recorded (docs/decisions/056). Decides nothing. */
  readonly traces?: SentTraces;
}

/** Events as they are: what a session keeps, and what was sent to it before there were groups. */
export interface EventBatch extends Sent {
  readonly events: readonly VisitorEvent[];
}

/** As ingest sends it. */
export interface GroupedBatch extends Sent {
  readonly groups: readonly EventGroup[];
}

export interface EventGroup {
  /** Attributes that each event of the group has, and no others. */
  readonly all: Attributes;
  readonly events: readonly Omit<VisitorEvent, Attribute>[];
}

export type AnyBatch = EventBatch | GroupedBatch;

/** Groups events that follow each other with the same attributes; {@link eventsOf} gives them back, in order. */
export function groupEvents(events: readonly VisitorEvent[]): EventGroup[] {
  const groups: { all: Attributes; events: Omit<VisitorEvent, Attribute>[] }[] = [];
  let last: VisitorEvent | undefined;
  for (const event of events) {
    const { all, own } = apart(event);
    if (last === undefined || !isAlike(last, event)) groups.push({ all, events: [] });
    groups.at(-1)?.events.push(own);
    last = event;
  }
  return groups;
}

const NAMES: ReadonlySet<string> = new Set(ATTRIBUTES);
const isAttribute = (name: string): name is Attribute | Declared =>
  NAMES.has(name) || isDeclared(name);

function apart(event: VisitorEvent): { all: Attributes; own: Omit<VisitorEvent, Attribute> } {
  const all: Partial<Record<Attribute | Declared, string>> = {};
  const own: Partial<Record<string, unknown>> = {};
  for (const name in event) {
    const value: unknown = event[name as keyof VisitorEvent];
    if (!isAttribute(name)) own[name] = value;
    else if (typeof value === 'string') all[name] = value;
  }
  return { all, own: own as unknown as VisitorEvent };
}

function isAlike(a: VisitorEvent, b: VisitorEvent): boolean {
  if (!ATTRIBUTES.every((name) => a[name] === b[name])) return false;
  for (const name in a) if (isDeclared(name) && a[name] !== b[name]) return false;
  for (const name in b) if (isDeclared(name) && a[name] !== b[name]) return false;
  return true;
}

/** The events of a batch, in the order they were sent in. */
export function eventsOf(batch: AnyBatch): readonly VisitorEvent[] {
  if ('events' in batch) return batch.events;
  return batch.groups.flatMap(({ all, events }) => events.map((own) => ({ ...own, ...all })));
}

/** The events of a batch, in the order they were sent in, with what those of a group have in common apart. */
export function groupsOf(
  batch: AnyBatch,
): readonly { readonly all?: Attributes; readonly events: readonly VisitorEvent[] }[] {
  return 'events' in batch ? [batch] : batch.groups;
}

/**
 * Whether something is a batch, as far as folding it needs: what an operator sends to a session by hand may be
 * anything. What ingest sent, of whatever version, always is one.
 */
export function isBatch(value: unknown): value is AnyBatch {
  if (!isRecord(value) || !isCount(value['ackFloor'])) return false;
  for (const name of ['sentAt', 'checkpointMs']) {
    if (value[name] !== undefined && !isCount(value[name])) return false;
  }
  const { events, groups } = value;
  if (events !== undefined) return Array.isArray(events) && events.every(isEvent);
  return Array.isArray(groups) && groups.every(isGroup);
}

function isGroup(value: unknown): boolean {
  if (!isRecord(value) || !isRecord(value['all'])) return false;
  const { all, events } = value;
  return Object.values(all).every(isText) && Array.isArray(events) && events.every(isEvent);
}

/** Times and sequences are whole numbers, all else is text. */
function isEvent(value: unknown): boolean {
  if (!isRecord(value) || !isText(value['id']) || !isText(value['type'])) return false;
  if (!isCount(value['at']) || !isCount(value['seq'])) return false;
  for (const [name, field] of Object.entries(value)) {
    if (name !== 'at' && name !== 'seq' && !isText(field)) return false;
  }
  const { revenue } = value;
  return revenue === undefined || DECIMAL.test(revenue as string);
}

/** As `formatDecimal` writes what an event may bring. */
const DECIMAL = /^-?\d{1,18}(\.\d{1,9})?$/;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Sequences and times, epoch milliseconds: whole numbers that dates can be made of. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 8.64e15;
}
