/**
 * The waiting room between JetStream and Temporal: events wait here, per session, for company. What
 * waits is not acknowledged yet, so nothing here needs to survive. No I/O, no clock of its own.
 *
 * Under backlog the window is a second: one message to a session costs Temporal the same however many events it
 * carries. While nothing waits behind, deliveries go out in pulses: what is done at once for many costs all servers a
 * third less than one by one. New sessions and those that end go with the next pulse. What comes in the middle of a
 * session goes with the first one after the session may write again: sooner it would only wake it for nothing
 * (docs/decisions/028). A session has at most one message under way, so the next one gathers for as long as the engine takes.
 */
import { LRUCache } from 'lru-cache';
import type { VisitorEvent } from '../../shared/event.ts';
import { BATCH_BYTES_MAX, BATCH_EVENTS_MAX } from '../../shared/limits.ts';
import type { SentTraces } from '../../shared/traces.ts';
import { countHeld } from './held-counts.ts';
import type { MessageSpan } from './ingest-traces.ts';
import type { Rhythm } from './rhythm.ts';
import { createTurns } from './turns.ts';
import {
  createWaitingRoom,
  firstOf,
  isAtOnce,
  type House,
  isComplete,
  type Waiting,
  type WaitingRoom,
} from './waiting-room.ts';

/** A message of the stream that is held until all its parts are kept elsewhere. */
export interface HeldMessage {
  readonly seq: number;
  /** When the stream took it: a stream that is put back to an older copy gives its sequence to another message. */
  readonly receivedAt: number;
  readonly bytes: number;
  /** It was taken past others that wait in the stream before it. */
  readonly overtakes?: true;
  /** Parts (events, dead letters) not kept elsewhere yet. */
  open: number;
  /** Where its producer records a trace, and we do. */
  trace?: MessageSpan;
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
  /** Since the one before of this session; undefined where that is not known. */
  readonly sinceLastMs?: number;
  /** Traces that its events are of, where they are recorded. */
  readonly traces?: SentTraces;
}

/** How long events wait for company, milliseconds. */
const WINDOW_MS = { backlog: 1_000, endUnderBacklog: 100 } as const;

/** Projects whose room is kept though nobody waits in it. */
const EMPTY_ROOMS_MAX = 1_000;
/** Of so many deliveries one goes to those that wait in a long queue of theirs. */
const TURNS_AHEAD = 4;
/** Sessions that only wait for a place; with as many in hand, more messages would only have to be kept. */
const COMPLETE_MAX = 64;

/** Sessions known to have been delivered to before. */
const TOLD_MAX = 50_000;
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
  /** Projects whose messages overtake, so that no backlog of theirs waits in the stream. */
  setAhead(projects: ReadonlySet<string>): void;
  /** The next delivery that is due; its session waits until {@link done}. */
  take(now: number): Delivery | undefined;
  /** Somebody looks at a session: what waits for it is due at once. */
  bring(session: { readonly project: string; readonly sessionId: string }): void;
  /**
   * When the next delivery is due: `now` or earlier, later, or never (Infinity).
   * @param now where given, when to look again, at the latest
   */
  dueAt(now?: number): number;
  /**
   * @param now when its session has it
   * @param isResting its session goes on waiting, until it has {@link rested}
   */
  done(delivery: Delivery, now: number, isResting?: boolean): void;
  rested(delivery: Delivery, now: number): void;
  /** Puts a delivery back in front; it is due again at once. */
  putBack(delivery: Delivery): void;
  /** From now on nothing waits for company. */
  hurry(): void;
  readonly events: number;
  /** Events of a session that wait, also behind a delivery of it that is under way. */
  waitingOf(session: { readonly project: string; readonly sessionId: string }): number;
  /** The messages that those came with, one for each event. */
  messagesOf(session: {
    readonly project: string;
    readonly sessionId: string;
  }): readonly HeldMessage[];
  /** Events of a project that are held, */
  heldOf(project: string): number;
  /** Events held, by project. */
  readonly heldByProject: ReadonlyMap<string, number>;
  /** and of those the ones that overtake. */
  aheadOf(project: string): number;
  /** No more messages are wanted now: there is no room for them, or enough to do. */
  readonly isFull: boolean;
  /** There is room for messages that overtake. */
  readonly mayOvertake: boolean;
}

export function createGather({ promptMs, middleMs, pauseMs }: Rhythm): Gather {
  /** By project; where there are many, a room is closed when nobody waits in it. */
  const rooms = new Map<string, WaitingRoom>();
  const turns = createTurns<WaitingRoom>();
  const turnsToEnd = createTurns<WaitingRoom>();
  /** Of those whose messages overtake; of the others, while there are such. */
  const turnsAhead = createTurns<WaitingRoom>();
  const turnsBehind = createTurns<WaitingRoom>();
  // In the order of waiting, whatever the project.
  const waiting = new Map<string, WaitingRoom>();
  /** Of those the ones for which nothing more is to be waited for. */
  const urgent = new Set<string>();
  /** Of the urgent ones those that overtake: they are not what the queue waits for. */
  const urgentAhead = new Set<string>();
  /** Of the urgent ones those that wait for no pulse. */
  const atOnce = new Set<string>();
  /** Of all that wait those that were not delivered to before. */
  const fresh = new Set<string>();
  /** Events of sessions that have had some just now: they are in no room yet. */
  const paused = new Map<string, Waiting>();
  let lookedAt = 0;
  /** When sessions were delivered to, by key. */
  const told = new LRUCache<string, number>({ max: TOLD_MAX });
  const parked = new Map<string, Waiting>();
  const underWay = new Set<string>();
  const held = countHeld();
  let ahead: ReadonlySet<string> = new Set();
  let backlog = false;
  let hurried = false;
  let turn = 0;

  const keyOf = (session: { readonly project: string; readonly sessionId: string }) =>
    `${session.project}/${session.sessionId}`;
  const isBehind = (project: string) => backlog && !ahead.has(project);
  const dueTime = (entry: Waiting) => {
    const { since, endsSince } = entry;
    if (hurried || !held.hasRoom || isAtOnce(entry)) return since;
    if (isBehind(entry.project)) {
      return since + (endsSince === undefined ? WINDOW_MS.backlog : WINDOW_MS.endUnderBacklog);
    }
    if (endsSince !== undefined) return pulseAfter(endsSince, promptMs);
    return pulseAfter(since, told.has(keyOf(entry)) ? middleMs : promptMs);
  };
  const house: House = { dueTime, isTold: (key) => told.has(key), isBehind };
  const roomOf = (project: string) => {
    let room = rooms.get(project);
    if (room === undefined) {
      room = createWaitingRoom(project, house);
      rooms.set(project, room);
    }
    return room;
  };
  const joinSide = (room: WaitingRoom) => {
    (ahead.has(room.project) ? turnsAhead : turnsBehind).join(room);
    (ahead.has(room.project) ? turnsBehind : turnsAhead).leave(room);
  };
  const nextLook = () => pulseAfter(lookedAt + 1, middleMs);
  const mayPause = (key: string, entry: Waiting, now: number) => {
    if (hurried || !held.hasRoom || isBehind(entry.project)) return false;
    if (isComplete(entry) || waiting.has(key)) return false;
    const lastAt = told.peek(key);
    return lastAt !== undefined && now < lastAt + pauseMs(now);
  };
  const seat = (key: string, entry: Waiting) => {
    paused.delete(key);
    const room = roomOf(entry.project);
    room.insert(key, entry);
    turns.join(room);
    joinSide(room);
    waiting.set(key, room);
    if (!told.has(key)) fresh.add(key);
    if (!isComplete(entry)) return;
    turnsToEnd.join(room);
    urgent.add(key);
    if (isAtOnce(entry)) atOnce.add(key);
    if (ahead.has(entry.project)) urgentAhead.add(key);
  };
  const insert = (key: string, entry: Waiting, now: number) => {
    if (mayPause(key, entry, now)) paused.set(key, entry);
    else seat(key, entry);
  };
  const remove = (key: string, room: WaitingRoom) => {
    room.remove(key);
    waiting.delete(key);
    fresh.delete(key);
    urgent.delete(key);
    atOnce.delete(key);
    urgentAhead.delete(key);
    if (room.size > 0) return;
    if (rooms.size > EMPTY_ROOMS_MAX) rooms.delete(room.project);
    turns.leave(room);
    turnsToEnd.leave(room);
    turnsAhead.leave(room);
    turnsBehind.leave(room);
  };
  const entryOf = (key: string | undefined) =>
    key === undefined ? undefined : (waiting.get(key)?.get(key) ?? paused.get(key));
  const messagesOf: Gather['messagesOf'] = (session) => {
    const key = keyOf(session);
    return (parked.get(key) ?? entryOf(key))?.messages ?? [];
  };
  /** Lets those go on whose pause is over, or is cut short, with the pulse of now. */
  const lookAtPaused = (now: number) => {
    if (paused.size === 0 || (now < nextLook() && !hurried && held.hasRoom)) return;
    lookedAt = now;
    for (const [key, entry] of paused) {
      if (mayPause(key, entry, now)) continue;
      entry.since = pulseBefore(now, middleMs);
      seat(key, entry);
    }
  };
  /**
   * Projects take turns, every second time only those with a session that ends: what is complete goes first, and
   * yet nobody waits for the many of another project. With one project there is no difference. Beside a long queue,
   * those who did not cause it go first, and the queue goes on all the same.
   */
  const nextInTurn = (now: number) => {
    turn += 1;
    const next = (room: WaitingRoom) => room.next(now);
    if (ahead.size > 0) {
      const [first, second] =
        turn % TURNS_AHEAD === 0 ? [turnsBehind, turnsAhead] : [turnsAhead, turnsBehind];
      return first.next(next) ?? second.next(next);
    }
    const ending = turn % 2 === 1 ? turnsToEnd.next((room) => room.ending(now)) : undefined;
    return ending ?? turns.next(next);
  };
  const nextOf = (now: number) => {
    const next = nextInTurn(now);
    if (next !== undefined) return next;
    // Of very many projects not all have been asked.
    const oldest = firstOf(waiting.keys());
    const entry = entryOf(oldest);
    return entry !== undefined && dueTime(entry) <= now ? oldest : undefined;
  };
  const release = (key: string, now: number) => {
    underWay.delete(key);
    const entry = parked.get(key);
    if (entry === undefined) return;
    parked.delete(key);
    insert(key, entry, now);
  };
  return {
    add(session, event, message, now) {
      const key = keyOf(session);
      const isUnderWay = underWay.has(key);
      const entry = (isUnderWay ? parked.get(key) : entryOf(key)) ?? {
        project: session.project,
        sessionId: session.sessionId,
        events: [],
        messages: [],
        sizes: [],
        since: now,
        endsSince: undefined,
      };
      entry.events.push(event);
      entry.messages.push(message);
      const size = sizeOf(event);
      entry.sizes.push(size);
      if (event.type === 'session_end') entry.endsSince ??= now;
      held.count(session.project, message, size, 1);
      if (isUnderWay) parked.set(key, entry);
      else insert(key, entry, now);
    },

    setBacklog(value) {
      backlog = value;
    },

    setAhead(projects) {
      ahead = projects;
      for (const room of rooms.values()) joinSide(room);
    },

    take(now) {
      lookAtPaused(now);
      const key = nextOf(now);
      const room = key === undefined ? undefined : waiting.get(key);
      const entry = entryOf(key);
      if (key === undefined || room === undefined || entry === undefined) return undefined;
      remove(key, room);
      underWay.add(key);
      const count = batchLength(entry.sizes);
      const lastAt = told.peek(key);
      const delivery: Delivery = {
        ...(lastAt !== undefined && { sinceLastMs: now - lastAt }),
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

    dueAt(now = Infinity) {
      // Those that are ahead wait shorter than the one that has waited longest.
      const lookAgainAt = ahead.size > 0 && waiting.size > 0 ? now + promptMs : Infinity;
      const pausedUntil = paused.size === 0 ? Infinity : nextLook();
      return Math.min(
        lookAgainAt,
        pausedUntil,
        ...[firstOf(atOnce), firstOf(urgent), firstOf(fresh), firstOf(waiting.keys())].map(
          (key) => {
            const entry = entryOf(key);
            return entry === undefined ? Infinity : dueTime(entry);
          },
        ),
      );
    },

    done(delivery, now, isResting = false) {
      for (const [n, message] of delivery.messages.entries()) {
        held.count(delivery.project, message, delivery.sizes[n] ?? 0, -1);
      }
      const key = keyOf(delivery);
      told.set(key, now);
      if (!isResting) release(key, now);
    },

    rested(delivery, now) {
      release(keyOf(delivery), now);
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
        endsSince: 0,
      });
      release(key, 0);
    },

    bring(session) {
      const key = keyOf(session);
      const entry = entryOf(key) ?? parked.get(key);
      if (entry === undefined) return;
      entry.since = 0;
      entry.endsSince ??= 0;
      if (!parked.has(key)) seat(key, entry);
    },

    hurry() {
      hurried = true;
    },

    get events() {
      return held.events;
    },
    waitingOf: (session) => messagesOf(session).length,
    messagesOf,
    heldOf: (project) => held.of(project),
    heldByProject: held.byProject,
    aheadOf: (project) => held.aheadOf(project),
    get isFull() {
      return !held.hasRoom || urgent.size - urgentAhead.size >= COMPLETE_MAX;
    },
    get mayOvertake() {
      return held.hasRoomAhead;
    },
  };
}

/** The first pulse from `at` on. */
function pulseAfter(at: number, everyMs: number): number {
  return Math.ceil(at / everyMs) * everyMs;
}

function pulseBefore(at: number, everyMs: number): number {
  return Math.floor(at / everyMs) * everyMs;
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
