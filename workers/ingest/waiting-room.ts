/** The sessions of one project that wait for a delivery, and which of them comes next. */
import type { VisitorEvent } from '../../shared/event.ts';
import { BATCH_EVENTS_MAX } from '../../shared/limits.ts';
import type { HeldMessage } from './gather.ts';

export interface Waiting {
  readonly project: string;
  readonly sessionId: string;
  events: VisitorEvent[];
  messages: HeldMessage[];
  sizes: number[];
  since: number;
  /** Since when nothing more is to be waited for; undefined: more may come. */
  endsSince: number | undefined;
}

/** What the rooms of all projects have in common. */
export interface House {
  /** When a session is due, by the clock that its `since` is of. */
  readonly dueTime: (entry: Waiting) => number;
  /** Whether a session has been delivered to before. */
  readonly isTold: (key: string) => boolean;
  /** Whether more of this project is queued than can be held, so that a new session is not news. */
  readonly isBehind: (project: string) => boolean;
}

export interface WaitingRoom {
  readonly project: string;
  readonly size: number;
  get(key: string): Waiting | undefined;
  insert(key: string, entry: Waiting): void;
  remove(key: string): void;
  /** A session that ends, and is due. */
  ending(now: number): string | undefined;
  /** The next session that is due. */
  next(now: number): string | undefined;
}

/** What the list of new sessions may hold beside them before it is cleaned. */
const SPARE_MAX = 1_000;
/** More sessions begin than can be delivered in turn, where a new one has been waiting for this long, milliseconds. */
const RUSH_MS = 3_000;
/** So many new sessions go first for each one that has been waiting longest. */
const NEW_IN_A_ROW_MAX = 3;

/** Whether nothing more is to be waited for: the session ends, or has as much as one message takes. */
export function isComplete({ endsSince, events }: Waiting): boolean {
  return endsSince !== undefined || events.length >= BATCH_EVENTS_MAX;
}

/** Whether it goes before the next pulse: it is as much as one message takes, was tried before, or somebody looks at it. */
export function isAtOnce({ endsSince, events }: Waiting): boolean {
  return endsSince === 0 || events.length >= BATCH_EVENTS_MAX;
}

export function firstOf<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}

export function createWaitingRoom(project: string, house: House): WaitingRoom {
  // Insertion order is the order of waiting.
  const waiting = new Map<string, Waiting>();
  const urgent = new Set<string>();
  const atOnce = new Set<string>();
  /** Sessions that were not delivered to yet, in the order they came; some of them by now. */
  let newcomers: string[] = [];
  let newInARow = 0;

  const isNew = (key: string) => waiting.has(key) && !house.isTold(key);
  const isDue = (key: string | undefined, now: number) => {
    const entry = key === undefined ? undefined : waiting.get(key);
    return entry !== undefined && house.dueTime(entry) <= now;
  };
  const ifDue = (key: string | undefined, now: number) => (isDue(key, now) ? key : undefined);
  const ending = (now: number) => ifDue(firstOf(atOnce), now) ?? ifDue(firstOf(urgent), now);
  /** The first of the new sessions; in a rush the last one, at once: in turn all would be seen when they are nearly over. */
  const newcomer = (now: number) => {
    newcomers.splice(newcomers.findLastIndex(isNew) + 1);
    newcomers.splice(0, newcomers.findIndex(isNew));
    const [first] = newcomers;
    const since = waiting.get(first ?? '')?.since ?? Infinity;
    if (now - since > RUSH_MS) return newcomers.at(-1);
    return ifDue(first, now);
  };

  return {
    project,
    get size() {
      return waiting.size;
    },
    get: (key) => waiting.get(key),
    insert(key, entry) {
      if (!waiting.has(key) && !house.isTold(key)) newcomers.push(key);
      waiting.set(key, entry);
      if (newcomers.length > 2 * waiting.size + SPARE_MAX) {
        newcomers = [...new Set(newcomers.filter(isNew))];
      }
      if (isComplete(entry)) urgent.add(key);
      if (isAtOnce(entry)) atOnce.add(key);
    },
    remove(key) {
      waiting.delete(key);
      urgent.delete(key);
      atOnce.delete(key);
    },
    ending,
    /**
     * A session that ends is complete: nothing more will come for it. Then come new ones, that they may be seen at
     * all, while the others gather; not so under backlog, where nothing is new.
     */
    next(now) {
      const first = ending(now);
      if (first !== undefined) return first;
      const areNew = !house.isBehind(project);
      const next = areNew && newInARow < NEW_IN_A_ROW_MAX ? newcomer(now) : undefined;
      newInARow = next === undefined ? 0 : newInARow + 1;
      return next ?? ifDue(firstOf(waiting.keys()), now) ?? (areNew ? newcomer(now) : undefined);
    },
  };
}
