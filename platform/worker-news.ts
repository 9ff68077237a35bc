/**
 * Workers tell ingests that run elsewhere what they have to do, so that these deliver no faster than it can be taken
 * up: by core NATS, and only while somebody asks. What is lost is told anew a moment later.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { WORKERS_ASKED_SUBJECT, WORKERS_SUBJECT } from '../shared/ids.ts';
import { sessionMark, type WorkerNews } from '../shared/worker-news.ts';

/** An ingest asks so often, milliseconds. */
const ASKED_EVERY_MS = 4_000;
/** Nobody who asked is there any more after this. */
const ASKED_FOR_MS = 15_000;
/** What happens in so short a time is told together. */
const GATHERED_MS = 10;
/** While there are tasks, their number is told so often. */
const BUSY_EVERY_MS = 25;
/** More than a worker can take up in between. */
const TAKEN_MAX = 2_000;

export interface TellingWorker {
  readonly load: number;
  /** @param listener told of each workflow that takes up something */
  onTaken(listener: (workflowId: string) => void): void;
}

/** @param id of this worker, unique among those of the cluster */
export function tellOfWorker(
  connection: NatsConnection,
  id: string,
  worker: TellingWorker,
  now: () => number,
): { stop(): void } {
  let askedUntil = 0;
  let taken: number[] = [];
  let timer: NodeJS.Timeout | undefined;

  function tell(): void {
    timer = undefined;
    const { load } = worker;
    const news: WorkerNews = { worker: id, load, taken };
    taken = [];
    if (connection.isClosed() || now() >= askedUntil) return;
    connection.publish(WORKERS_SUBJECT, JSON.stringify(news));
    if (load > 0) timer = setTimeout(tell, BUSY_EVERY_MS);
  }

  /** The first of what is taken up is told soon, also where only the number was about to be. */
  function tellSoon(): void {
    if (timer !== undefined && taken.length !== 1) return;
    clearTimeout(timer);
    timer = setTimeout(tell, GATHERED_MS);
  }

  worker.onTaken((workflowId) => {
    if (now() >= askedUntil || taken.length >= TAKEN_MAX) return;
    taken.push(sessionMark(workflowId));
    tellSoon();
  });
  const asked = connection.subscribe(WORKERS_ASKED_SUBJECT, {
    callback() {
      askedUntil = now() + ASKED_FOR_MS;
      tellSoon();
    },
  });
  return {
    stop() {
      asked.unsubscribe();
      askedUntil = 0;
      clearTimeout(timer);
    },
  };
}

/** @param heard told what each worker tells */
export function followWorkers(
  connection: NatsConnection,
  heard: (news: WorkerNews) => void,
): { stop(): void } {
  const told = connection.subscribe(WORKERS_SUBJECT, {
    callback(error, message) {
      const news = error === null ? parseNews(message.data) : undefined;
      if (news !== undefined) heard(news);
    },
  });
  const ask = () => {
    if (!connection.isClosed()) connection.publish(WORKERS_ASKED_SUBJECT);
  };
  ask();
  const timer = setInterval(ask, ASKED_EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      told.unsubscribe();
    },
  };
}

/** @returns undefined where it is something else: a worker of another version, or somebody's own message */
export function parseNews(data: Uint8Array): WorkerNews | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { worker, load, taken } = value as Partial<Record<keyof WorkerNews, unknown>>;
  if (typeof worker !== 'string' || worker === '' || worker.length > 100) return undefined;
  if (!isCount(load) || !Array.isArray(taken) || !taken.every(isCount)) return undefined;
  return { worker, load, taken };
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0;
}
