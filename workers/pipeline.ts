/**
 * Ingest and session worker, together or alone: opens the clients they need, starts them, and undoes
 * all of it in reverse.
 */
import { randomUUID } from 'node:crypto';
import type { ActivityDeps } from '../activities/index.ts';
import { createResetGuard } from '../activities/reset-runs.ts';
import { createVisitors, type Visitors } from '../activities/visitors.ts';
import { createLoadTraces } from '../activities/load-traces.ts';
import { connectClickHouse } from '../platform/clickhouse.ts';
import { steadyNow } from '../platform/steady-clock.ts';
import { createTableWriter } from '../platform/table-writer.ts';
import { type Config, requireReader, requireServers } from '../platform/config.ts';
import type { Logger } from '../platform/log.ts';
import { connectNats, createAnnouncer, createRollupLog, type Nats } from '../platform/nats.ts';
import { followForgotten } from '../platform/forgotten.ts';
import { followQuotas } from '../platform/quotas.ts';
import { followBucket } from '../platform/project-settings.ts';
import { connectRedis, createVisitorStore } from '../platform/redis.ts';
import { createLoadLedger } from '../platform/load-ledger.ts';
import { createLoadedTables } from '../platform/loaded-place.ts';
import { createOldSessions } from '../platform/old-sessions.ts';
import { createRestateSession } from '../platform/restate-session.ts';
import { createSessionRuns, createToldSessions } from '../platform/session-runs.ts';
import { type Closers, createClosers } from '../platform/shutdown.ts';
import { ownStandstill } from '../platform/standstill.ts';
import { createSessionHistory } from '../platform/session-history.ts';
import { createSessionIsOver, isWorkflowGone, unlessRefused } from '../platform/temporal.ts';
import { createValueStore } from '../platform/value-store.ts';
import { NO_WATCH, type Watch } from '../platform/watch.ts';
import { openTracing } from '../platform/tracing.ts';
import { followWorkers, tellOfWorker } from '../platform/worker-news.ts';
import { connectTemporalNative } from '../platform/temporal-native.ts';
import { loadZones } from '../platform/zones.ts';
import { createDayTurned } from '../shared/zones/index.ts';
import type { SessionSettings } from '../shared/actor.ts';
import { LOOKED_AT_SUBJECT } from '../shared/ids.ts';
import { createDeliver } from './ingest/deliver.ts';
import { rhythmOf } from './ingest/rhythm.ts';
import { createStretch } from './ingest/stretch.ts';
import { createOpener } from './ingest/opening.ts';
import { createIngestTraces } from './ingest/ingest-traces.ts';
import { type Ingest, startIngest } from './ingest/ingest.ts';
import { seeOwnWorker, seeWorkersElsewhere, type WorkersSeen } from './ingest/workers-seen.ts';
import {
  installTemporalRuntime,
  type SessionWorker,
  startSessionWorker,
} from './host/session-worker.ts';
import { installWithMetrics, type SdkMetrics } from './host/sdk-metrics.ts';

export interface Pipeline {
  readonly nats: Nats;
  readonly ingest: Ingest | undefined;
  /** Where somebody watches. */
  readonly sdkMetrics: SdkMetrics | undefined;
  /** Settles when a part of it ends by itself, which it should not. */
  readonly finished: Promise<void>;
  /** Drains and closes. */
  stop(): Promise<void>;
}

/** Which kinds of process this one is. */
export interface Roles {
  readonly ingest: boolean;
  readonly worker: boolean;
}

/** @throws SojournError `SJ_CONFIG` where an address is missing; what a client throws on connecting */
export async function startPipeline(
  given: Config,
  log: Logger,
  roles: Roles,
  watch: Watch = NO_WATCH,
): Promise<Pipeline> {
  const config = requireServers(
    given,
    roles.worker
      ? ['NATS_URL', 'TEMPORAL_ADDRESS', 'CLICKHOUSE_URL', 'REDIS_URL']
      : ['NATS_URL', 'TEMPORAL_ADDRESS'],
  );
  if (roles.worker) requireReader(config);
  const closers = createClosers(log);
  try {
    const install = (metrics?: Parameters<typeof installTemporalRuntime>[1]) => {
      installTemporalRuntime(log, metrics);
    };
    let sdkMetrics: SdkMetrics | undefined;
    if (watch === NO_WATCH) install();
    else sdkMetrics = await installWithMetrics(install);
    const tracing = await openTracing(config, log);
    // Closed last: spans of what is drained are sent, too.
    if (tracing !== undefined) closers.add('traces', () => tracing.stop());
    const nats = await connectNats(config, 'sojourn', log);
    closers.add('nats', () => nats.connection.close());
    const temporal = await connectTemporalNative(config);
    closers.add('temporal', () => temporal.connection.close());
    const standstill = ownStandstill((ms) => {
      log.warn({ ms }, 'this process stood still: what it had begun is begun anew');
    });
    const rollupLog = createRollupLog(nats, standstill, tracing);
    const history = createSessionHistory(temporal.client, rollupLog);
    const running: Promise<void>[] = [];
    let sessionWorker: SessionWorker | undefined;
    let visitors: Visitors | undefined;
    if (given.REDIS_URL !== undefined) {
      const redis = connectRedis(requireServers(given, ['REDIS_URL']), log);
      closers.add('redis', () => {
        redis.disconnect();
        return Promise.resolve();
      });
      visitors = createVisitors(createVisitorStore(redis), {
        now: steadyNow,
        onAway: (error) => {
          log.warn({ err: error }, 'visitor store away, users are counted later');
        },
      });
    }

    if (visitors !== undefined && roles.worker) {
      const clickhouse = requireServers(config, ['CLICKHOUSE_URL']);
      const writer = connectClickHouse(clickhouse, 'writer', { log });
      closers.add('clickhouse', () => writer.close());
      const reader = connectClickHouse(clickhouse, 'bi', { log });
      closers.add('clickhouse, to read', () => reader.close());
      const tables = createTableWriter(writer);
      const activities: Omit<ActivityDeps, 'stopping'> = {
        visitors,
        log: rollupLog,
        standstill,
        resets: createResetGuard(createSessionRuns(temporal.client)),
        told: createToldSessions(temporal.client),
        restating: {
          find: createOldSessions(reader, config.LATE_WINDOW),
          restate: createRestateSession(temporal.client, history),
        },
        ledger: createLoadLedger(nats),
        tables,
        loaded: createLoadedTables(reader),
        values: createValueStore(reader, tables),
        valuesMax: config.DIMENSION_VALUES_MAX,
        announcer: createAnnouncer(nats),
        history,
        isUnknownRun: isWorkflowGone,
        sessionIsOver: createSessionIsOver(temporal.client, log),
        watch,
        traces: tracing && createLoadTraces(tracing),
      };
      const worker = await startSessionWorker({
        ...temporal,
        namespace: config.TEMPORAL_NAMESPACE,
        sandbox: config.WORKFLOW_SANDBOX,
        activities,
        onAsked: (workflowId) => {
          if (!nats.connection.isClosed()) nats.connection.publish(LOOKED_AT_SUBJECT, workflowId);
        },
        log,
      });
      closers.add('session worker', () => worker.stop());
      const told = tellOfWorker(nats.connection, randomUUID(), worker, steadyNow);
      closers.add('news of the worker', () => {
        told.stop();
        return Promise.resolve();
      });
      running.push(worker.finished);
      sessionWorker = worker;
    }

    let ingest: Ingest | undefined;
    if (roles.ingest) {
      const settings = sessionSettingsOf(config);
      const stretch = createStretch(settings.checkpointMs);
      const deliver = createDeliver(
        {
          client: temporal.client,
          history,
          opener: createOpener(visitors),
          standstill,
          stretchedCheckpointMs: () => stretch.checkpointMs(steadyNow()),
          now: Date.now,
        },
        {
          settings,
          lateWindowMs: config.LATE_WINDOW,
          eagerStart: roles.worker,
        },
      );
      const zones = loadZones();
      const projects = await followBucket(nats, zones.isZone, log);
      closers.add('settings of projects', () => projects.stop());
      const forgotten = await followForgotten(nats, log);
      closers.add('list of the forgotten', () => forgotten.stop());
      const quotas = followQuotas({
        ...{ nats, log, steadyNow },
        all: () => projects.all(),
        settingsOf: (project) => projects.settingsOf(project),
        now: Date.now,
      });
      closers.add('quotas of projects', () => {
        quotas.stop();
        return Promise.resolve();
      });
      const started = await startIngest({
        quotas,
        nats,
        deliver,
        settingsOf: (project) => projects.settingsOf(project),
        dayTurned: createDayTurned(zones),
        isForgotten: (project, event) => forgotten.isForgotten(project, event),
        stretch,
        rhythm: rhythmOf(settings, stretch),
        log,
        now: steadyNow,
        stuckAfterMs: config.SESSION_STUCK_AFTER,
        watch,
        traces: tracing && createIngestTraces(tracing),
        workers: sessionWorker ? seeOwnWorker(sessionWorker) : elsewhere(nats, closers),
      });
      closers.add('ingest', () => started.stop());
      running.push(started.finished);
      ingest = started;
    }
    const stop = () => closers.closeAll();
    return { nats, ingest, sdkMetrics, finished: Promise.race(running), stop };
  } catch (error) {
    await closers.closeAll();
    return unlessRefused(config)(error);
  }
}

function elsewhere(nats: Nats, closers: Closers): WorkersSeen {
  const workers = seeWorkersElsewhere();
  const following = followWorkers(nats.connection, (news) => {
    workers.heard(news, steadyNow());
  });
  closers.add('news of workers', () => {
    following.stop();
    return Promise.resolve();
  });
  return workers;
}

function sessionSettingsOf(config: Config): SessionSettings {
  return {
    idleTimeoutMs: config.SESSION_IDLE_TIMEOUT,
    checkpointMs: config.SESSION_CHECKPOINT,
    lateGraceMs: config.LATE_GRACE,
    showsItsEnd: true,
  };
}
