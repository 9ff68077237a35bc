/**
 * What an operator wants to know of the servers, asked of each of them. A server that is away is a
 * fact to report, not an error.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { placeIn } from '../activities/put-back.ts';
import {
  checkIntakes,
  clickHouseUnreachable,
  connectClickHouse,
  select,
} from '../platform/clickhouse.ts';
import { clusterWarningsOf } from '../platform/cluster-state.ts';
import type { Config } from '../platform/config.ts';
import type { FaultKind } from '../platform/connection-fault.ts';
import { type EventsRoom, roomWarning } from '../platform/events-room.ts';
import { isJetStreamAway } from '../platform/jetstream-away.ts';
import { readLoadedPlace } from '../platform/loaded-place.ts';
import {
  connectNats,
  fewerReplicas,
  isApiError,
  STREAM_NAMES,
  streamFigures,
} from '../platform/nats.ts';
import { loadCounts } from '../platform/quota-kept.ts';
import { createDatedLog, readEnd } from '../platform/rollup-places.ts';
import { writeFault } from '../platform/stream-health.ts';
import { connectTemporal, unlessRefused } from '../platform/temporal.ts';
import { publicAddress } from '../platform/secrets.ts';
import { SojournError } from '../shared/errors.ts';
import {
  deadLetterSubject,
  DEADLETTERS_STREAM,
  EVENTS_STREAM,
  IMPORT_WORKFLOW,
  INGEST_STREAM,
  loaderWorkflowId,
  ROLLUPS_STREAM,
  SESSION_WORKFLOW,
  TASK_QUEUE,
} from '../shared/ids.ts';
import { dayOf } from '../shared/quota.ts';
import type { LogPosition } from '../shared/ranges.ts';
import { progressQuery } from '../workflows/messages.ts';
import { commandLog, type Temporal } from './connect.ts';
import {
  type Outcome,
  outcomeOf,
  outcomeOfOther,
  PATIENCE_MS,
  sharedPatience,
  type Timed,
  timed,
} from './outcome.ts';
import { recentSessions, type Stored } from './recent-sessions.ts';

export type ServerStatus =
  | {
      readonly reachable: true;
      readonly url: string;
      /** How long one question took, milliseconds. */
      readonly latencyMs: number;
    }
  | {
      readonly reachable: false;
      /** Absent where this process has no address of it. */
      readonly url?: string;
      readonly error: string;
      /** It is there, and TLS or the login is not as it has to be: `error` says what to set. */
      readonly fault?: FaultKind;
    };

/** CONTRACT, section 6. A figure of a server that is away is null. */
export interface Status {
  readonly servers: Readonly<Record<'nats' | 'temporal' | 'clickhouse' | 'redis', ServerStatus>>;
  readonly events: { readonly pending: number | null; readonly unacknowledged: number | null };
  readonly sessions: { readonly open: number | null };
  readonly differences: { readonly pending: number | null };
  readonly deadLetters: number | null;
  /** Of each project that has some, the most first. */
  readonly deadLettersByProject: Readonly<Record<string, number>> | null;
  /** What EVENTS holds, and may; absent where it has no limit. */
  readonly eventsRoom?: EventsRoom;
  /** What should be mended soon, though all works; absent where there is nothing. */
  readonly warnings?: readonly string[];
  /** What projects have had of their quotas today; absent where none has one, and messages. */
  readonly quotas?: readonly QuotaUse[];
  /** Dimensions that had too many values lately, the newest first; absent where none had. */
  readonly fullDimensions?: readonly FullDimension[];
}

/** Since midnight of UTC; what is not limited has no maximum. */
export interface QuotaUse {
  readonly project: string;
  readonly messages: number;
  readonly messagesMax?: number;
  readonly bytes: number;
  readonly bytesMax?: number;
  /** What comes goes to DEADLETTERS. */
  readonly isUsedUp: boolean;
}

/** More values of that day are filed under `(other)` (docs/decisions/035). */
export interface FullDimension {
  readonly project: string;
  /** `2015-05-17`, UTC. */
  readonly day: string;
  readonly dimension: string;
  /** How many have rows of their own. */
  readonly valuesMax: number;
}

export type StreamFigures = Awaited<ReturnType<typeof streamFigures>>;

export interface Observer {
  status(): Promise<Status>;
  /** @throws what the server threw */
  streams(): Promise<StreamFigures>;
  /** How events flow on their way to ClickHouse. @throws where NATS does not tell */
  flow(): Promise<Flow>;
  /** Imports that are not done: paused ones too, and those whose command was stopped. @throws where Temporal does not tell */
  imports(): Promise<number>;
  /** Stream sequence up to which differences are in ClickHouse. @throws what the server threw */
  loadedUpTo(rollups: StreamFigures['rollups']): Promise<number>;
  temporal(): Promise<Temporal>;
  /** When the oldest event came that is not acknowledged; undefined where all are. @throws what the server threw */
  oldestEventAt(consumer: StreamFigures['consumer']): Promise<number | undefined>;
  /** Workflow ids of sessions that these events are of. @throws what the server threw */
  recentSessions(stored: Stored): Promise<string[]>;
  close(): Promise<void>;
}

export interface Flow {
  /**
   * When the oldest message came, epoch milliseconds, that waits in EVENTS, or for a worker to look at its session, or
   * whose difference waits in ROLLUPS; undefined where none does, null where nobody knows, as without ClickHouse. What a
   * session has looked at and not written yet, for a minute at the most, is not seen.
   */
  readonly oldestAt?: number | null;
  readonly redelivered: number;
  readonly isPaused: boolean;
}

const running = (type: string) => `WorkflowType = '${type}' AND ExecutionStatus = 'Running'`;
const PARTITION = 0;

/** Where one of them takes nothing, events or rows wait: without INGEST nothing is loaded. */
const NEEDED_STREAMS: ReadonlySet<string> = new Set([
  ...[EVENTS_STREAM, ROLLUPS_STREAM, DEADLETTERS_STREAM, INGEST_STREAM],
]);

const FULL_DIMENSIONS = `SELECT project, toString(full_dimensions.day) AS day, dimension, toUInt32(values_max) AS valuesMax
  FROM sojourn.full_dimensions FINAL WHERE full_since >= now64(3) - INTERVAL 7 DAY
  ORDER BY full_since DESC, project, day, dimension LIMIT 100`;

/** Connects to each server when it is first asked, and again where that failed. */
export function createObserver(config: Config): Observer {
  const { NATS_URL, TEMPORAL_ADDRESS, CLICKHOUSE_URL, REDIS_URL } = config;
  const log = commandLog(config);
  const nats = remember(
    () => connectNats(needed({ ...config, NATS_URL }, 'NATS_URL'), 'sojourn command', log),
    ({ connection }) => connection.close(),
  );
  const temporal = remember(
    () => connectTemporal(needed({ ...config, TEMPORAL_ADDRESS }, 'TEMPORAL_ADDRESS')),
    ({ connection }) => connection.close(),
  );
  const clickhouse = remember(
    () =>
      Promise.resolve(
        // One that takes a question and does not answer must not keep the connection for the next one.
        connectClickHouse(needed({ ...config, CLICKHOUSE_URL }, 'CLICKHOUSE_URL'), 'bi', {
          patienceMs: PATIENCE_MS,
          log,
        }),
      ),
    (client) => client.close(),
  );

  const streams = async () => streamFigures(await nats.get()).catch(explain);

  /** A server whose disk was full answers all the same. @throws SojournError where a stream takes no messages */
  async function streamsThatTake(): Promise<StreamFigures> {
    const { jsm } = await nats.get();
    const figures = await streams();
    // Who runs goes on without the others; the next ingest does not start, or subscribers are told nothing.
    for (const stream of STREAM_NAMES) {
      if (!NEEDED_STREAMS.has(stream)) await jsm.streams.info(stream).catch(explain);
    }
    for (const stream of NEEDED_STREAMS) {
      const fault = await writeFault(jsm, stream).catch(explain);
      if (fault === undefined) continue;
      throw new SojournError(
        'SJ_SERVER_UNREACHABLE',
        `the stream ${stream} takes no messages: ${fault}; make room on NATS's disk, then restart NATS`,
      );
    }
    return figures;
  }

  async function flow(): Promise<Flow> {
    const outcome = sharedPatience();
    const asked = await outcome(streams);
    if (!asked.ok) throw new Error(asked.error);
    const figures = asked.value;
    // The consumer is NATS's own matter: it is known whatever ClickHouse says, and where there is none.
    const [oldest, task] = await Promise.all([
      outcome(() => oldestUnloaded(figures)),
      // A Temporal that does not tell is no reason to say nothing of the others.
      outcome(oldestTaskAt),
    ]);
    const oldestAt = oldest.ok ? earlier(oldest.value, task.ok ? task.value : undefined) : null;
    return {
      ...(oldestAt !== undefined && { oldestAt }),
      redelivered: figures.consumer.num_redelivered,
      isPaused: figures.consumer.paused ?? false,
    };
  }

  async function oldestUnloaded({ consumer, rollups }: StreamFigures): Promise<number | undefined> {
    const { jsm } = await nats.get();
    const loaded = await loadedUpTo(rollups);
    const [event, difference] = await Promise.all([
      oldestEventAt(consumer),
      pendingDifferences(rollups, loaded) === 0
        ? null
        : jsm.streams.getMessage(ROLLUPS_STREAM, {
            seq: Math.max(loaded + 1, rollups.state.first_seq),
          }),
    ]);
    return earlier(event, difference?.time.getTime());
  }

  /**
   * When the oldest task came that no worker has taken, of all workflows: without workers sessions accept events, so
   * that these are acknowledged, and write nothing.
   */
  async function oldestTaskAt(): Promise<number | undefined> {
    const { connection } = await temporal.get();
    const { stats } = await connection.withDeadline(Date.now() + PATIENCE_MS, () =>
      // Of workflow tasks, as nothing else is said.
      connection.workflowService.describeTaskQueue({
        namespace: config.TEMPORAL_NAMESPACE,
        taskQueue: { name: TASK_QUEUE },
        reportStats: true,
      }),
    );
    const { seconds = 0, nanos = 0 } = stats?.approximateBacklogAge ?? {};
    const ageMs = Number(seconds) * 1_000 + (nanos ?? 0) / 1e6;
    return ageMs > 0 ? Date.now() - ageMs : undefined;
  }

  async function oldestEventAt(consumer: StreamFigures['consumer']): Promise<number | undefined> {
    if (consumer.num_pending + consumer.num_ack_pending === 0) return undefined;
    const { jsm } = await nats.get();
    // What is behind the floor may have expired: then the next one that is there.
    const next = { seq: consumer.ack_floor.stream_seq + 1, next_by_subj: '>' };
    return (await jsm.direct.getMessage(EVENTS_STREAM, next))?.time.getTime();
  }

  async function askNats(): Promise<Timed<StreamFigures>> {
    const asked = await nats.get();
    const latencyMs = await asked.connection.rtt().catch((error: unknown) => {
      // Its client only tries on. Who connects anew is told what is wrong, as where the login is refused.
      nats.leave(asked);
      throw error;
    });
    return { value: await streamsThatTake(), latencyMs };
  }

  /** Workflows of a type. */
  async function countRunning(type: string): Promise<Timed<number>> {
    const asked = await temporal.get();
    const { connection, client } = asked;
    try {
      return await timed(async () => {
        const { count } = await connection.withDeadline(Date.now() + PATIENCE_MS, () =>
          client.workflow.count(running(type)),
        );
        return count;
      });
    } catch (error) {
      // The library finds out after up to 45 s that nobody is at the other end any more.
      temporal.leave(asked);
      return unlessRefused(needed({ ...config, TEMPORAL_ADDRESS }, 'TEMPORAL_ADDRESS'))(error);
    }
  }

  async function imports(): Promise<number> {
    const asked = await outcomeOf(() => countRunning(IMPORT_WORKFLOW));
    if (!asked.ok) throw new Error(asked.error);
    return asked.value.value;
  }

  async function lettersByProject(): Promise<Readonly<Record<string, number>>> {
    const { jsm } = await nats.get();
    const { state } = await jsm.streams.info(DEADLETTERS_STREAM, {
      subjects_filter: deadLetterSubject('>'),
    });
    const counts = Object.entries(state.subjects ?? {}).sort(([, a], [, b]) => b - a);
    const prefix = deadLetterSubject('').length;
    return Object.fromEntries(counts.map(([subject, count]) => [subject.slice(prefix), count]));
  }

  async function quotaUses(): Promise<readonly QuotaUse[]> {
    const counts = await loadCounts(await nats.get(), dayOf(Date.now()));
    return Array.from(counts, ([project, { spent, quota, isUsedUp }]) => ({
      project,
      messages: spent.messages,
      ...(quota.maxMessagesPerDay !== undefined && { messagesMax: quota.maxMessagesPerDay }),
      bytes: spent.bytes,
      ...(quota.maxBytesPerDay !== undefined && { bytesMax: quota.maxBytesPerDay }),
      isUsedUp,
    })).sort((a, b) => (a.project < b.project ? -1 : 1));
  }

  async function loadedUpTo({ created }: StreamFigures['rollups']): Promise<number> {
    const stream = String(Date.parse(created));
    const place = await readLoadedPlace(await clickhouse.get(), PARTITION, stream);
    return place === undefined ? 0 : seqNow(place);
  }

  /** For when ClickHouse is away: the loader remembers, too. */
  async function loadedByLoader(): Promise<number> {
    // What the loader says is a place in its log: without that it need not be asked.
    await nats.get();
    const { connection, client } = await temporal.get();
    const { position } = await connection.withDeadline(Date.now() + PATIENCE_MS, () =>
      client.workflow.getHandle(loaderWorkflowId(PARTITION)).query(progressQuery),
    );
    return seqNow(position);
  }

  /** Up to where the log as it is now is loaded: it may have been made anew since, or put back to an older copy. */
  async function seqNow(position: LogPosition): Promise<number> {
    const connected = await nats.get();
    const end = await readEnd(connected, PARTITION);
    const place = await placeIn(createDatedLog(connected), PARTITION, position, end);
    return place?.seq ?? end.lastSeq;
  }

  /** Without the views that pass rows on it takes none. @throws what is wrong */
  async function askClickHouse(client: ClickHouseClient): Promise<Timed<void>> {
    const answer = await timed(async () => {
      const result = await client.ping({ select: true });
      if (!result.success) await clickHouseUnreachable(config)(result.error);
    });
    await checkIntakes(client);
    return answer;
  }

  async function status(): Promise<Status> {
    const natsAsked = outcomeOf(askNats);
    // At once: a ClickHouse that does not answer then costs the patience for it once.
    const byClickHouse = natsAsked.then(({ value }) =>
      value === undefined ? undefined : outcomeOf(() => loadedUpTo(value.value.rollups)),
    );
    const clickHouseAsked = outcomeOf(async () => askClickHouse(await clickhouse.get()));
    const byLoader = outcomeOfOther(clickHouseAsked, loadedByLoader);
    const [
      natsStatus,
      open,
      clickhouseStatus,
      redisStatus,
      full,
      letters,
      replicas,
      cluster,
      used,
    ] = await Promise.all([
      natsAsked,
      outcomeOf(() => countRunning(SESSION_WORKFLOW)),
      clickHouseAsked,
      outcomeOf(() => pingRedis(config)),
      outcomeOf(async () => select<FullDimension>(await clickhouse.get(), FULL_DIMENSIONS)),
      outcomeOf(lettersByProject),
      outcomeOf(async () => fewerReplicas(await nats.get(), config.STREAM_REPLICAS)),
      outcomeOf(async () => clusterWarningsOf(await clickhouse.get())),
      outcomeOf(quotaUses),
    ]);
    const figures = natsStatus.value?.value;
    const room = figures?.eventsRoom;
    const warnings = [roomWarning(room) ?? [], replicas.value ?? [], cluster.value ?? []].flat();
    const loaded =
      figures === undefined || clickhouseStatus.ok ? await byClickHouse : await byLoader;
    return {
      servers: {
        nats: serverStatus(natsStatus, NATS_URL),
        temporal: serverStatus(open, TEMPORAL_ADDRESS),
        clickhouse: serverStatus(
          loaded?.ok === false && clickhouseStatus.ok ? loaded : clickhouseStatus,
          CLICKHOUSE_URL,
        ),
        redis: serverStatus(redisStatus, REDIS_URL),
      },
      events: {
        pending: figures?.consumer.num_pending ?? null,
        unacknowledged: figures?.consumer.num_ack_pending ?? null,
      },
      sessions: { open: open.value?.value ?? null },
      differences: {
        pending:
          figures === undefined || loaded?.value === undefined
            ? null
            : pendingDifferences(figures.rollups, loaded.value),
      },
      deadLetters: figures?.deadLetters ?? null,
      deadLettersByProject: letters.value ?? null,
      ...(room !== undefined && { eventsRoom: room }),
      ...(warnings.length > 0 && { warnings }),
      ...(used.value !== undefined && used.value.length > 0 && { quotas: used.value }),
      ...(full.value !== undefined && full.value.length > 0 && { fullDimensions: full.value }),
    };
  }

  return {
    status,
    streams,
    flow,
    imports,
    loadedUpTo,
    temporal: () => temporal.get(),
    oldestEventAt,
    recentSessions: async (stored) => recentSessions((await nats.get()).js, stored),
    async close() {
      await nats.close();
      await temporal.close();
      await clickhouse.close();
    },
  };
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  const at = Math.min(one ?? Infinity, other ?? Infinity);
  return at < Infinity ? at : undefined;
}

/** The part of its quota that a project has used, of whichever limit it has used more of; at most 1. */
export function usedPart({ isUsedUp, messages, messagesMax, bytes, bytesMax }: QuotaUse): number {
  if (isUsedUp) return 1;
  const part = (used: number, most: number | undefined) =>
    most === undefined ? 0 : used / Math.max(1, most);
  return Math.min(1, Math.max(part(messages, messagesMax), part(bytes, bytesMax)));
}

/** Records after the last loaded one. What was purged had been loaded. */
export function pendingDifferences(
  { state }: { readonly state: { readonly first_seq: number; readonly last_seq: number } },
  loaded: number,
): number {
  return Math.max(0, state.last_seq - Math.max(loaded, state.first_seq - 1));
}

/** Of JetStream alone: connected we are. */
const JETSTREAM_AWAY =
  'JetStream does not answer: a cluster that elects a leader, which takes seconds, or a disk in trouble';

/** @throws an error that says what is wrong, and what to do */
function explain(error: unknown): never {
  if (isJetStreamAway(error)) throw new Error(JETSTREAM_AWAY, { cause: error });
  if (isApiError(error, 10059) || isApiError(error, 10014)) {
    throw new Error('a stream or its consumer is missing; `npx sojourn migrate` creates them', {
      cause: error,
    });
  }
  throw error;
}

/** Sessions count their users as new or returning once a master answers. */
const REPLICA = 'it is a replica and takes no writes; point REDIS_URL at its master';

async function pingRedis(config: Config): Promise<Timed<unknown>> {
  const { REDIS_URL } = config;
  const { connectRedis, whyRedisFailed } = await import('../platform/redis.ts');
  const redis = connectRedis(needed({ ...config, REDIS_URL }, 'REDIS_URL'), commandLog(config));
  try {
    // A replica answers a ping as well.
    const replication = await redis.info('replication').catch(async (error: unknown) => {
      throw await whyRedisFailed(config, redis, error);
    });
    if (/^role:slave/m.test(replication)) throw new Error(REPLICA);
    return await timed(() => redis.ping());
  } finally {
    redis.disconnect();
  }
}

type Present<K extends string> = Config & { readonly [N in K]: string };

function needed<K extends 'NATS_URL' | 'TEMPORAL_ADDRESS' | 'CLICKHOUSE_URL' | 'REDIS_URL'>(
  config: Config,
  name: K,
): Present<K> {
  if (config[name] === undefined) throw new Error(`${name} is not set`);
  return config as Present<K>;
}

type Answer =
  Extract<Outcome<Timed<unknown>>, { ok: true }> | Extract<Outcome<never>, { ok: false }>;

function serverStatus(outcome: Answer, address: string | undefined): ServerStatus {
  const url = address === undefined ? undefined : publicAddress(address);
  if (outcome.ok) return { reachable: true, url: url ?? '', latencyMs: outcome.value.latencyMs };
  const { error, fault } = outcome;
  return { reachable: false, ...(url !== undefined && { url }), error, ...(fault && { fault }) };
}

/** What is left may still be asked by others for as long. */
const LEFT_OPEN_MS = 4 * PATIENCE_MS;

/** Makes something when it is first wanted; a failure is forgotten, so that the next call tries again. */
function remember<T>(
  make: () => Promise<T>,
  undo: (made: T) => Promise<unknown>,
): {
  get(): Promise<T>;
  /** The next who asks gets another one. */
  leave(value: T): void;
  close(): Promise<void>;
} {
  let made: Promise<T> | undefined;
  let last: T | undefined;
  const left = new Map<T, NodeJS.Timeout>();
  return {
    async get() {
      const asked = (made ??= Promise.resolve().then(make));
      try {
        return (last = await asked);
      } catch (error) {
        if (made === asked) made = undefined;
        throw error;
      }
    },
    leave(value) {
      if (last !== value || left.has(value)) return;
      made = undefined;
      const timer = setTimeout(() => {
        left.delete(value);
        undo(value).catch(() => undefined);
      }, LEFT_OPEN_MS);
      left.set(value, timer.unref());
    },
    async close() {
      for (const timer of left.values()) clearTimeout(timer);
      const value = await made?.catch(() => undefined);
      const open = value === undefined ? [...left.keys()] : [...left.keys(), value];
      for (const one of open) await undo(one);
    },
  };
}
