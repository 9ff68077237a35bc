/**
 * The waiting room between JetStream and Temporal: events wait here, per session, for company. What
 * waits is not acknowledged yet, so nothing here needs to survive. No I/O, no clock of its own.
 *
 * The window is short while nothing waits behind (latency) and longer under backlog (one message to
 * a session costs Temporal the same however many events it carries). A session has at most one
 * message under way, so the next one gathers for as long as the engine takes.
 */
import { LRUCache } from 'lru-cache';
import type { VisitorEvent } from '../../shared/event.ts';
import {
  BATCH_BYTES_MAX,
  BATCH_EVENTS_MAX,
  HELD_BYTES_MAX,
  HELD_MESSAGES_MAX,
} from '../../shared/limits.ts';

/** A message of the stream that is held until all its parts are kept elsewhere. */
export interface HeldMessage {
  readonly seq: number;
  readonly bytes: number;
  /** Parts (events, dead letters) not kept elsewhere yet. */
  open: number;
}

/** Events of one session on their way. */
export interface Delivery {
  readonly project: string;
  readonly sessionId: string;
  readonly events: readonly VisitorEvent[];
  /** The message each event came with. */
  readonly messages: readonly HeldMessage[];
  /** Bytes each event takes, roughly. */
  readonly sizes: readonly number[];
}

interface Waiting {
  readonly project: string;
  readonly sessionId: string;
  events: VisitorEvent[];
  messages: HeldMessage[];
  sizes: number[];
  since: number;
  ends: boolean;
}

/** How long events wait for company, milliseconds. */
const WINDOW_MS = { idle: 40, backlog: 1_000, endUnderBacklog: 100 } as const;

/** Sessions that only wait for a place; with as many in hand, more messages would only have to be kept. */
const COMPLETE_MAX = 64;

/** Sessions known to have been delivered to before. */
const TOLD_MAX = 50_000;
/** What the list of new sessions may hold beside them before it is cleaned. */
const SPARE_MAX = 1_000;
/** More sessions begin than can be delivered in turn, where a new one has been waiting for this long, milliseconds. */
const RUSH_MS = 3_000;
/** So many new sessions go first for each one that has been waiting longest. */
const NEW_IN_A_ROW_MAX = 3;

export interface Gather {
  /** Takes one event of a message in. */
  add(
    session: { readonly project: string; readonly sessionId: string },
    event: VisitorEvent,
    message: HeldMessage,
    now: number,
  ): void;
  /** Says whether more messages wait in the stream. */
  setBacklog(backlog: boolean): void;
  /** The next delivery that is due; its session waits until {@link done}. */
  take(now: number): Delivery | undefined;
  /** When the next delivery is due: `now` or earlier, later, or never (Infinity). */
  dueAt(): number;
  done(delivery: Delivery): void;
  /** Puts a delivery back in front; it is due again at once. */
  putBack(delivery: Delivery): void;
  /** From now on nothing waits for company. */
  hurry(): void;
  readonly events: number;
  /** No more messages are wanted now: there is no room for them, or enough to do. */
  readonly isFull: boolean;
}

export function createGather(): Gather {
  // Insertion order is the order of waiting.
  const waiting = new Map<string, Waiting>();
  const urgent = new Set<string>();
  /** Sessions that were not delivered to yet, in the order they came; some of them by now. */
  let newcomers: string[] = [];
  const told = new LRUCache<string, true>({ max: TOLD_MAX });
  const parked = new Map<string, Waiting>();
  const underWay = new Set<string>();
  let backlog = false;
  let hurried = false;
  let newInARow = 0;
  let events = 0;
  let bytes = 0;

  const keyOf = (session: { readonly project: string; readonly sessionId: string }) =>
    `${session.project}/${session.sessionId}`;
  const hasNoRoom = () => events >= HELD_MESSAGES_MAX || bytes >= HELD_BYTES_MAX;
  const dueTime = (entry: Waiting) => {
    if (hurried || hasNoRoom() || entry.events.length >= BATCH_EVENTS_MAX) return entry.since;
    if (!backlog) return entry.since + (entry.ends ? 0 : WINDOW_MS.idle);
    return entry.since + (entry.ends ? WINDOW_MS.endUnderBacklog : WINDOW_MS.backlog);
  };
  const insert = (key: string, entry: Waiting) => {
    if (!waiting.has(key) && !told.has(key)) newcomers.push(key);
    waiting.set(key, entry);
    if (newcomers.length > 2 * waiting.size + SPARE_MAX) {
      newcomers = [...new Set(newcomers.filter(isNew))];
    }
    if (entry.ends || entry.events.length >= BATCH_EVENTS_MAX) urgent.add(key);
  };
  const isNew = (key: string) => waiting.has(key) && !told.has(key);
  const firstOf = (keys: Iterable<string>) => {
    for (const key of keys) return key;
    return undefined;
  };
  const isDue = (key: string | undefined, now: number) => {
    const entry = key === undefined ? undefined : waiting.get(key);
    return entry !== undefined && dueTime(entry) <= now;
  };
  /** The first of the new sessions; in a rush the last one, at once: in turn all would be seen when they are nearly over. */
  const newcomer = (now: number) => {
    newcomers.splice(newcomers.findLastIndex(isNew) + 1);
    newcomers.splice(0, newcomers.findIndex(isNew));
    const [first] = newcomers;
    const since = waiting.get(first ?? '')?.since ?? Infinity;
    if (now - since > RUSH_MS) return newcomers.at(-1);
    return isDue(first, now) ? first : undefined;
  };
  /**
   * A session that ends is complete: nothing more will come for it. Then come new ones, that they may be seen at all,
   * while the others gather; not so under backlog, where nothing is new.
   */
  const nextOf = (now: number) => {
    const ending = firstOf(urgent);
    if (isDue(ending, now)) return ending;
    const isTurnOfNew = !backlog && newInARow < NEW_IN_A_ROW_MAX;
    const next = isTurnOfNew ? newcomer(now) : undefined;
    newInARow = next === undefined ? 0 : newInARow + 1;
    const oldest = firstOf(waiting.keys());
    return next ?? (isDue(oldest, now) ? oldest : undefined);
  };
  const release = (key: string) => {
    underWay.delete(key);
    const entry = parked.get(key);
    if (entry === undefined) return;
    parked.delete(key);
    insert(key, entry);
  };

  return {
    add(session, event, message, now) {
      const key = keyOf(session);
      const room = underWay.has(key) ? parked : waiting;
      const entry = room.get(key) ?? {
        project: session.project,
        sessionId: session.sessionId,
        events: [],
        messages: [],
        sizes: [],
        since: now,
        ends: false,
      };
      entry.events.push(event);
      entry.messages.push(message);
      const size = sizeOf(event);
      entry.sizes.push(size);
      entry.ends ||= event.type === 'session_end';
      events += 1;
      bytes += size;
      if (room === parked) parked.set(key, entry);
      else insert(key, entry);
    },

    setBacklog(value) {
      backlog = value;
    },

    take(now) {
      const key = nextOf(now);
      const entry = key === undefined ? undefined : waiting.get(key);
      if (key === undefined || entry === undefined) return undefined;
      waiting.delete(key);
      urgent.delete(key);
      underWay.add(key);
      const count = batchLength(entry.sizes);
      const delivery: Delivery = {
        project: entry.project,
        sessionId: entry.sessionId,
        events: entry.events.slice(0, count),
        messages: entry.messages.slice(0, count),
        sizes: entry.sizes.slice(0, count),
      };
      if (count < entry.events.length) {
        entry.events = entry.events.slice(count);
        entry.messages = entry.messages.slice(count);
        entry.sizes = entry.sizes.slice(count);
        parked.set(key, entry);
      }
      return delivery;
    },

    dueAt() {
      return Math.min(
        ...[firstOf(urgent), firstOf(waiting.keys())].map((key) => {
          const entry = key === undefined ? undefined : waiting.get(key);
          return entry === undefined ? Infinity : dueTime(entry);
        }),
      );
    },

    done(delivery) {
      events -= delivery.events.length;
      for (const size of delivery.sizes) bytes -= size;
      const key = keyOf(delivery);
      told.set(key, true);
      release(key);
    },

    putBack(delivery) {
      const key = keyOf(delivery);
      const later = parked.get(key);
      parked.set(key, {
        project: delivery.project,
        sessionId: delivery.sessionId,
        events: [...delivery.events, ...(later?.events ?? [])],
        messages: [...delivery.messages, ...(later?.messages ?? [])],
        sizes: [...delivery.sizes, ...(later?.sizes ?? [])],
        since: 0,
        ends: true,
      });
      release(key);
    },

    hurry() {
      hurried = true;
    },

    get events() {
      return events;
    },
    get isFull() {
      return hasNoRoom() || urgent.size >= COMPLETE_MAX;
    },
  };
}

/** How many events of these sizes make one batch. */
function batchLength(sizes: readonly number[]): number {
  let bytes = 0;
  const end = sizes.findIndex((size, index) => {
    bytes += size;
    return index >= BATCH_EVENTS_MAX || (index > 0 && bytes > BATCH_BYTES_MAX);
  });
  return end === -1 ? sizes.length : end;
}

/** Bytes an event takes, roughly and never less than in a signal. */
function sizeOf(event: VisitorEvent): number {
  let chars = 100;
  for (const value of Object.values(event)) if (typeof value === 'string') chars += value.length;
  return chars * 2;
}
