/**
 * The whole demo of `sojourn up --demo`: settings for its project where nobody has set any, its past where it has none,
 * and then visitors who come while you look, those of before among them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createVisitors } from '../activities/visitors.ts';
import {
  setProject,
  type SetProjectDeps,
  setUntouchedProject,
  showProject,
} from '../operations/projects.ts';
import { connectClickHouse } from '../platform/clickhouse.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/log.ts';
import type { Nats } from '../platform/nats.ts';
import { connectRedis, createVisitorStore } from '../platform/redis.ts';
import { createClosers } from '../platform/shutdown.ts';
import { createTableWriter } from '../platform/table-writer.ts';
import { createValueStore } from '../platform/value-store.ts';
import { type Demo, KNOWN_MAX, startDemo } from './demo.ts';
import { readKnownPeople } from './known-people.ts';
import { loadPast } from './load-past.ts';
import type { Person } from './visit.ts';
import { DEMO_CHANGE, DEMO_KEY, DEMO_PROJECT } from './settings.ts';

export interface RunDemoDeps {
  readonly config: Config & { readonly CLICKHOUSE_URL: string; readonly REDIS_URL: string };
  readonly nats: Pick<Nats, 'js'>;
  readonly log: Logger;
  /** Told while the past is loaded: how many of its days are there. */
  readonly onProgress: (days: number, sessions: number) => void;
}

export interface RunningDemo {
  /** The past is there, and visitors come; or it was stopped. Never rejects. */
  readonly begun: Promise<void>;
  stop(): Promise<void>;
}

const AGAIN_MS = 2_000;

export function runDemo(deps: RunDemoDeps): RunningDemo {
  const { nats, log } = deps;
  const stopping = new AbortController();
  let demo: Demo | undefined;
  const { signal } = stopping;
  /** Read through a function: the compiler takes no note of what happens while something is awaited. */
  const isStopping = () => signal.aborted;
  const begin = async () => {
    while (!signal.aborted) {
      try {
        // All of it may be done again: what is there is left as it is.
        const known = await prepare(deps, signal);
        demo = startDemo({ nats, log, now: Date.now, random: Math.random, known });
        return;
      } catch (error) {
        if (isStopping()) return;
        log.warn({ err: error }, 'the demo cannot begin yet, trying again');
        await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  };
  const begun = begin();
  return {
    begun,
    async stop() {
      stopping.abort();
      await begun;
      await demo?.stop();
    },
  };
}

/** A demo from before there were keys gets its own too; whoever has set other ones has them. */
async function ensureKey(deps: SetProjectDeps): Promise<void> {
  const { settings } = await showProject(deps.nats, DEMO_PROJECT);
  if (settings.collectKeys.length > 0) return;
  await setProject(deps, DEMO_PROJECT, { collectKeys: [{ add: DEMO_KEY }] });
}

/** @returns who was there before */
async function prepare(
  { config, nats, log, onProgress }: RunDemoDeps,
  signal: AbortSignal,
): Promise<readonly Person[]> {
  const closers = createClosers(log);
  try {
    const writer = connectClickHouse(config, 'writer');
    closers.add('writer', () => writer.close());
    const reader = connectClickHouse(config, 'bi');
    closers.add('reader', () => reader.close());
    const redis = connectRedis(config, log);
    closers.add('redis', () => {
      redis.disconnect();
      return Promise.resolve();
    });
    const store = createVisitorStore(redis);
    const visitors = createVisitors(store, { now: Date.now, onAway: () => undefined });

    await setUntouchedProject({ nats, tables: writer }, DEMO_PROJECT, DEMO_CHANGE);
    await ensureKey({ nats, tables: writer });
    const began = Date.now();
    const tables = createTableWriter(writer);
    const past = await loadPast(
      {
        ...{ visitors, store, tables, reader, log },
        values: createValueStore(reader, tables),
        valuesMax: config.DIMENSION_VALUES_MAX,
        now: Date.now,
      },
      { signal, onProgress },
    );
    if (past !== undefined)
      log.info({ ...past, ms: Date.now() - began }, 'past of the demo loaded');
    return await readKnownPeople(reader, KNOWN_MAX);
  } finally {
    await closers.closeAll();
  }
}
