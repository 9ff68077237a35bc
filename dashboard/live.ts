/**
 * Who is there now, pushed to the pages that are open. `metrics.updated.<project>` says that something
 * has changed, corrections too; the numbers themselves are read in ClickHouse, once for all who watch
 * a project. While nobody watches there is no subscription, no connection and no timer.
 *
 *   first watcher of a project ─▶ subscribe ─▶ news ─(at most one reading a second)─▶ all watchers
 *   last watcher leaves ─▶ unsubscribe; of the last project ─▶ close the connection
 */
import type { Logger } from '../platform/log.ts';
import { toError } from '../shared/errors.ts';
import type { Database } from './database.ts';
import { clockAt } from './period.ts';
import { findProject } from './projects.ts';
import { lastMinutes, visitorsNow } from './session-queries.ts';
import type { Zones } from '../shared/zones/index.ts';

/** What a page is told. */
export interface Now {
  /** Visitors who are there now: people, and bots. */
  readonly people: number;
  readonly bots: number;
  /** Of the last half hour: all of it, and minute by minute, the oldest first. */
  readonly peopleLately: number;
  readonly botsLately: number;
  readonly minutes: readonly {
    readonly label: string;
    readonly people: number;
    readonly bots: number;
  }[];
  /** `true`: told by news; `false`: NATS is away or not configured, and it is looked at now and then. */
  readonly isLive: boolean;
  /** Grows with every change of the project's numbers. */
  readonly changes: number;
  /** They could not be read again: they are those of `asOf`, and not of now. */
  readonly isOld: boolean;
  /** RFC 3339, UTC. */
  readonly asOf: string;
  /** The same as clocks of the project show it: `15:04`. */
  readonly clock: string;
}

/** The connection that news come by, as narrow as it is needed. */
export interface News {
  /** Calls back on every message of the subject. @returns how to end it */
  subscribe(project: string, onNews: () => void): () => void;
  /** Whether it is connected. */
  isConnected(): boolean;
  close(): Promise<void>;
}

/** For metrics. */
export interface PageFigures {
  /** Streams that are open. */
  readonly watchers: number;
  /** Whether news come by themselves. */
  readonly hasNews: boolean;
}

export interface LiveDeps {
  readonly database: Database;
  readonly zones: Zones;
  readonly now: () => number;
  /** Connects; undefined where no NATS is configured. */
  readonly connectNews: (() => Promise<News>) | undefined;
  readonly log: Logger;
}

export type Watcher = (now: Now) => void;

export interface Live {
  /** @returns how to leave; undefined where too many watch already */
  watch(project: string, watcher: Watcher): (() => void) | undefined;
  /** The figures of a project, read once. */
  read(project: string): Promise<Now>;
  figures(): PageFigures;
  close(): Promise<void>;
}

const MINUTES = 30;
/** News come about once a second while something happens. */
const BETWEEN_READINGS_MS = 1_000;
/** Visitors leave without news. */
const LOOK_EVERY_MS = 15_000;
const LOOK_EVERY_WITHOUT_NEWS_MS = 5_000;
/** Who waits longer is told that what is there is old. */
const ANSWER_MS_MAX = 10_000;
const WATCHERS_MAX = 200;
const RETRY_NEWS_MS = 5_000;

interface Room {
  readonly watchers: Set<Watcher>;
  unsubscribe: () => void;
  changes: number;
  last: Now | undefined;
  timer: NodeJS.Timeout | undefined;
  reading: boolean;
  dirty: boolean;
}

export function createLive(deps: LiveDeps): Live {
  const { log } = deps;
  const rooms = new Map<string, Room>();
  let news: Promise<News> | undefined;
  let connected: News | undefined;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;

  async function read(project: string, changes = 0): Promise<Now> {
    return {
      ...(await readNow(deps, project)),
      changes,
      isLive: connected?.isConnected() ?? false,
      isOld: false,
    };
  }

  /** Reads and tells, once at a time; what changes meanwhile is read after a pause. */
  async function tell(project: string, room: Room): Promise<void> {
    room.dirty = room.reading;
    if (room.reading) return;
    room.reading = true;
    clearTimeout(room.timer);
    const slow = setTimeout(() => {
      tellOld(room);
    }, ANSWER_MS_MAX).unref();
    try {
      tellAll(room, await read(project, room.changes));
    } catch (error) {
      log.debug({ err: toError(error), project }, 'who is there now could not be read');
      tellOld(room);
    }
    clearTimeout(slow);
    const isQuiet = connected?.isConnected() === true && room.last?.isOld === false;
    const waitMs = isQuiet ? LOOK_EVERY_MS : LOOK_EVERY_WITHOUT_NEWS_MS;
    await new Promise<void>((resolve) => setTimeout(resolve, BETWEEN_READINGS_MS).unref());
    room.reading = false;
    if (rooms.get(project) !== room) return;
    const pauseMs = hasNews(room) ? 0 : waitMs - BETWEEN_READINGS_MS;
    room.timer = setTimeout(() => {
      start(project, room);
    }, pauseMs).unref();
  }

  function tellAll(room: Room, now: Now): void {
    room.last = now;
    for (const watcher of room.watchers) watcher(now);
  }

  /** Once: what is there stays, and says that it is of before. */
  function tellOld(room: Room): void {
    if (room.last?.isOld === false) tellAll(room, { ...room.last, isOld: true });
  }

  function hasNews({ dirty }: Room): boolean {
    return dirty;
  }

  function start(project: string, room: Room): void {
    tell(project, room).catch((error: unknown) => {
      log.error({ err: toError(error) }, 'live figures stopped');
    });
  }

  function subscribe(project: string, room: Room, source: News): void {
    room.unsubscribe = source.subscribe(project, () => {
      room.changes += 1;
      start(project, room);
    });
  }

  /** Connects for the first watcher, and again later where it did not work. */
  function connect(): void {
    const { connectNews } = deps;
    if (connectNews === undefined || news !== undefined || closed) return;
    news = connectNews();
    const mine = news;
    mine
      .then(async (source) => {
        if (news !== mine) {
          await source.close();
          return;
        }
        connected = source;
        for (const [project, room] of rooms) {
          subscribe(project, room, source);
          // Whatever happened before the subscription.
          start(project, room);
        }
      })
      .catch((error: unknown) => {
        log.warn({ err: toError(error) }, 'no news from nats: the page looks for itself');
        if (news !== mine) return;
        news = undefined;
        if (rooms.size > 0) retry = setTimeout(connect, RETRY_NEWS_MS).unref();
      });
  }

  /** Nobody watches any more. */
  async function disconnect(): Promise<void> {
    clearTimeout(retry);
    const before = connected;
    connected = undefined;
    news = undefined;
    await before?.close();
  }

  const watching = () => [...rooms.values()].reduce((sum, { watchers }) => sum + watchers.size, 0);

  return {
    figures: () => ({ watchers: watching(), hasNews: connected?.isConnected() ?? false }),
    watch(project, watcher) {
      if (closed || watching() >= WATCHERS_MAX) return undefined;
      let room = rooms.get(project);
      if (room === undefined) {
        room = {
          watchers: new Set(),
          unsubscribe: () => undefined,
          changes: 0,
          last: undefined,
          timer: undefined,
          reading: false,
          dirty: false,
        };
        rooms.set(project, room);
        if (connected !== undefined) subscribe(project, room, connected);
        connect();
      }
      const mine = room;
      mine.watchers.add(watcher);
      if (mine.last !== undefined) watcher(mine.last);
      start(project, mine);
      return () => {
        if (!mine.watchers.delete(watcher) || mine.watchers.size > 0) return;
        clearTimeout(mine.timer);
        mine.unsubscribe();
        rooms.delete(project);
        if (rooms.size > 0) return;
        disconnect().catch((error: unknown) => {
          log.debug({ err: toError(error) }, 'the connection for news was not closed cleanly');
        });
      };
    },
    read: (project) => read(project),
    async close() {
      closed = true;
      for (const room of rooms.values()) {
        clearTimeout(room.timer);
        room.unsubscribe();
      }
      rooms.clear();
      await disconnect();
    },
  };
}

interface CountRow {
  readonly visitors: string | number;
  readonly bot_visitors: string | number;
}

async function readNow(
  { database, zones, now }: LiveDeps,
  project: string,
): Promise<Omit<Now, 'isLive' | 'isOld' | 'changes'>> {
  const nowMs = now();
  const last = Math.floor(nowMs / 60_000);
  const first = last - MINUTES + 1;
  const [settings, [here], rows] = await Promise.all([
    findProject(database, zones, project),
    database.rows<CountRow>(visitorsNow(project)),
    database.rows<CountRow & { minute: string | number }>(lastMinutes(project, first, last)),
  ]);
  const counts = new Map(rows.map((row) => [Number(row.minute), split(row)]));
  const lately = counts.get(0) ?? split(undefined);
  return {
    ...split(here),
    peopleLately: lately.people,
    botsLately: lately.bots,
    minutes: Array.from({ length: MINUTES }, (_, index) => ({
      label: clockAt((first + index) * 60_000, settings.timeZone, zones).slice(11, 16),
      ...(counts.get(first + index) ?? split(undefined)),
    })),
    asOf: new Date(nowMs).toISOString(),
    clock: clockAt(nowMs, settings.timeZone, zones).slice(11, 16),
  };
}

function split(row: CountRow | undefined): { readonly people: number; readonly bots: number } {
  const bots = Number(row?.bot_visitors ?? 0);
  return { people: Number(row?.visitors ?? 0) - bots, bots };
}
