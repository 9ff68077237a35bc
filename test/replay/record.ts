/**
 * Records histories of today's workflow code on real servers, one a scenario, for `replay.test.ts`:
 *
 *   node --import tsx/esm test/replay/record.ts VERSION [SCENARIO…]
 *
 * Run it for a release, and for a change that takes a path no stored history takes. Histories are
 * never removed: sessions of an old version may be running when a new one is deployed.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats, createRollupLog } from '../../platform/nats.ts';
import { readRange } from '../../platform/stream-range.ts';
import {
  IMPORT_WORKFLOW,
  importWorkflowId,
  loaderWorkflowId,
  restateWorkflowId,
  ROLLUPS_STREAM,
  SESSION_WORKFLOW,
  sessionWorkflowId,
  TASK_QUEUE,
} from '../../shared/ids.ts';
import type { SessionInput } from '../../shared/actor.ts';
import { CATALOGUE_VERSION } from '../../shared/catalogue.ts';
import type { ImportInput } from '../../shared/import-plan.ts';
import { RANGES_PER_RUN_MAX, SIGNALS_PER_RUN_MAX } from '../../shared/limits.ts';
import { openLoader } from '../../shared/ranges.ts';
import { decodeRollup, type Rollup } from '../../shared/rollup.ts';
import type { SessionView } from '../../shared/session-view.ts';
import {
  askLogSignal,
  endSignal,
  endUpdate,
  eventsSignal,
  excludeSignal,
  excludeUpdate,
  includeSignal,
  includeUpdate,
  pauseRestateUpdate,
  pauseSignal,
  pauseUpdate,
  progressQuery,
  restateSignal,
  restateStateQuery,
  restateUpdate,
  resumeRestateUpdate,
  resumeSignal,
  resumeUpdate,
  stateQuery,
  undoUpdate,
} from '../../workflows/messages.ts';
import { loader } from '../../workflows/index.ts';
import { payloadConverter } from '../../workflows/payload-converter.ts';
import { eventually } from '../support/eventually.ts';
import { filesOf } from '../support/histories.ts';
import {
  type Around,
  connectAround,
  connectTemporalOf,
  environmentOf,
  QUICK_SETTINGS,
  sojourn,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { startPrivateServers, temporaryFolder, type TestServers } from '../support/servers.ts';
import { plantRecord } from './planted.ts';

const PROJECT = 'recorded';
const WITHIN = { withinMs: 60_000 };

interface Stage {
  readonly client: Client;
  readonly around: Around;
  readonly servers: TestServers;
}

/** Plays one scenario; returns the workflow id to record, and the run where it is not the last. */
type Scenario = (stage: Stage) => Promise<{ readonly id: string; readonly runId?: string }>;

const event = (sessionId: string, n: number, fields: object = {}) => ({
  sessionId,
  eventId: `${sessionId}-${n}`,
  eventType: 'pageview',
  timestamp: new Date(Date.UTC(2026, 5, 1, 12, 0, n)).toISOString(),
  properties: { path: `/page-${n}`, trafficSource: 'google', country: 'DE' },
  ...fields,
});

const closed = ({ client }: Stage, id: string) =>
  eventually(async () => {
    const { status } = await client.workflow.getHandle(id).describe();
    if (status.name !== 'COMPLETED') throw new Error(`${id} is ${status.name}`);
  }, WITHIN);

const runOf = async ({ client }: Stage, id: string) =>
  (await client.workflow.getHandle(id).describe()).runId;

const answering = ({ client }: Stage, id: string) =>
  eventually(() => client.workflow.getHandle(id).query(stateQuery), WITHIN);

/** A collector that is not there: the pipeline is told of it so that traces are carried, and nobody takes them. */
const NO_COLLECTOR = 'http://127.0.0.1:9';

const traced = (n: number) => ({
  traceparent: `00-4bf92f3577b34da6a3ce929d0e0e4736-${n.toString(16).padStart(16, '0')}-01`,
});

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  async 'one-batch'(stage) {
    const id = sessionWorkflowId(PROJECT, 'one-batch');
    const end = event('one-batch', 3, { eventType: 'session_end' });
    await stage.around.publish(PROJECT, [event('one-batch', 1), event('one-batch', 2), end]);
    await closed(stage, id);
    return { id };
  },

  // Traces in the start, in a signal, and in one of a session that was reopened: it writes by an activity.
  async traced(stage) {
    const id = sessionWorkflowId(PROJECT, 'traced');
    for (const n of [1, 2]) {
      await stage.around.publish(PROJECT, event('traced', n), traced(n));
      await new Promise((resolve) => setTimeout(resolve, 1_200));
    }
    await closed(stage, id);
    return { id };
  },

  async 'traced-reopened'(stage) {
    const id = sessionWorkflowId(PROJECT, 'traced-late');
    const login = { userId: 'u-traced' };
    await stage.around.publish(PROJECT, event('traced-late', 1), traced(3));
    await closed(stage, id);
    await stage.around.publish(PROJECT, event('traced-late', 2, login), traced(4));
    await eventually(async () => {
      const { events } = await stage.client.workflow.getHandle(id).fetchHistory();
      const [input] = await argumentsOf(stage.client, id);
      if (events === undefined || (input as SessionInput).snapshot === undefined) {
        throw new Error('it is not reopened');
      }
    }, WITHIN);
    await stage.around.publish(PROJECT, event('traced-late', 3, login), traced(5));
    await closed(stage, id);
    return { id };
  },

  async 'idle-with-checkpoints'(stage) {
    const id = sessionWorkflowId(PROJECT, 'idle');
    for (const n of [1, 2, 3, 4]) {
      const login = n === 3 ? { userId: 'u-idle' } : {};
      await stage.around.publish(PROJECT, event('idle', n, login));
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    await closed(stage, id);
    return { id };
  },

  async 'more-of-the-event'(stage) {
    const id = sessionWorkflowId(PROJECT, 'more');
    const more = (n: number, eventType: string, properties: object) =>
      event('more', n, { eventType, visitorId: 'v-more', properties });
    const url = 'https://shop.example/lamp?utm_source=news&utm_medium=email&utm_campaign=spring';
    const userAgent = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
    for (const sent of [
      more(1, 'pageview', { url, language: 'de' }),
      more(2, 'heartbeat', {}),
      more(3, 'purchase', { revenue: '5.5', currency: 'EUR' }),
      more(4, 'click', { userAgent }),
    ]) {
      await stage.around.publish(PROJECT, sent);
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    await closed(stage, id);
    return { id };
  },

  async 'turned-day'(stage) {
    const project = `${PROJECT}-india`;
    const settings = ['--time-zone', 'Asia/Kolkata', '--dimension', 'plan=plan'];
    await sojourn(['project', 'set', project, ...settings], environmentOf(stage.servers));
    // Ingest hears of it a little later.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const sent = (n: number, minute: number, eventType: string, properties: object = {}) =>
      event('turned', n, {
        eventType,
        timestamp: Date.UTC(2026, 5, 1, 18, minute),
        properties: { path: '/lamp', plan: 'pro', ...properties },
      });
    await stage.around.publish(project, sent(1, 29, 'pageview'));
    await new Promise((resolve) => setTimeout(resolve, 700));
    await stage.around.publish(project, sent(2, 31, 'pageview'));
    await stage.around.publish(project, sent(3, 40, 'purchase', { conversionType: 'order' }));
    await stage.around.publish(project, sent(4, 41, 'session_end'));
    const id = sessionWorkflowId(project, 'turned');
    await closed(stage, id);
    return { id };
  },

  async reopened(stage) {
    const id = sessionWorkflowId(PROJECT, 'reopened');
    const end = event('reopened', 2, { eventType: 'session_end' });
    await stage.around.publish(PROJECT, [event('reopened', 1), end]);
    await closed(stage, id);
    await stage.around.publish(PROJECT, event('reopened', 9, { userId: 'u-late' }));
    await eventually(async () => {
      const state = await stage.client.workflow.getHandle(id).query(stateQuery);
      if (state.events !== 3) throw new Error('not reopened yet');
    }, WITHIN);
    await closed(stage, id);
    return { id };
  },

  async 'ended-by-operator'(stage) {
    const id = sessionWorkflowId(PROJECT, 'operator');
    await stage.around.publish(PROJECT, event('operator', 1));
    await answering(stage, id);
    await stage.client.workflow.getHandle(id).executeUpdate<SessionView, []>(endUpdate.name);
    return { id };
  },

  async cancelled(stage) {
    const id = sessionWorkflowId(PROJECT, 'cancelled');
    await stage.around.publish(PROJECT, event('cancelled', 1));
    await answering(stage, id);
    await stage.client.workflow.getHandle(id).cancel();
    await closed(stage, id);
    return { id };
  },

  async 'written-without-redis'(stage) {
    const id = sessionWorkflowId(PROJECT, 'patient');
    stage.servers.redis.kill();
    await stage.servers.redis.exited;
    await stage.around.publish(PROJECT, event('patient', 1, { userId: 'u-patient' }));
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    await stage.servers.restart('redis');
    await closed(stage, id);
    return { id };
  },

  async 'ended-without-redis'(stage) {
    const id = sessionWorkflowId(PROJECT, 'owes-user');
    stage.servers.redis.kill();
    await stage.servers.redis.exited;
    const end = event('owes-user', 2, { eventType: 'session_end' });
    await stage.around.publish(PROJECT, [event('owes-user', 1, { userId: 'u-owed' }), end]);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await stage.servers.restart('redis');
    await closed(stage, id);
    return { id };
  },

  async 'continued-as-new'(stage) {
    const id = sessionWorkflowId(PROJECT, 'long');
    await stage.around.publish(PROJECT, event('long', 1));
    await answering(stage, id);
    const handle = stage.client.workflow.getHandle(id);
    const { runId } = await handle.describe();
    const signalled = (n: number) => {
      const at = Date.UTC(2026, 5, 1, 12, 0, n);
      const events = [{ id: `long-${n}`, type: 'pageview', at, seq: 1_000 + n }];
      return handle.signal(eventsSignal, { events, ackFloor: 0 }).then(
        () => true,
        // While a run continues as new the server puts signals off, here longer than the session waits.
        () => false,
      );
    };
    for (let n = 2; n < SIGNALS_PER_RUN_MAX + 20 && (await signalled(n)); n += 1);
    await closed(stage, id);
    return { id, runId };
  },

  async large(stage) {
    const id = sessionWorkflowId(PROJECT, 'large');
    const value = `😀`.repeat(1_024);
    const attributes = { trafficSource: value, deviceType: value, country: value };
    const DAY_MS = 86_400_000;
    // So many days that the records of one difference take more than a task, and more than a run, may hold.
    const days = Array.from({ length: 300 }, (_, n) =>
      event('large', n, {
        timestamp: Date.UTC(2026, 5, 1) - n * DAY_MS,
        properties: n === 0 ? { ...attributes, browser: value, os: value } : {},
      }),
    );
    await stage.around.publish(PROJECT, days);
    await answering(stage, id);
    const { runId } = await stage.client.workflow.getHandle(id).describe();
    await closed(stage, id);
    return { id, runId };
  },

  async 'stray-signals'(stage) {
    const id = sessionWorkflowId(PROJECT, 'stray');
    await stage.around.publish(PROJECT, event('stray', 1));
    await answering(stage, id);
    const handle = stage.client.workflow.getHandle(id);
    await handle.signal('events', { oops: 1 });
    await handle.signal('nobody-knows-this');
    await stage.around.publish(PROJECT, event('stray', 2, { eventType: 'session_end' }));
    await closed(stage, id);
    return { id };
  },

  async 'log-asked'(stage) {
    const id = sessionWorkflowId(PROJECT, 'asks');
    await stage.around.publish(PROJECT, event('asks', 1));
    await answering(stage, id);
    await stage.client.workflow.getHandle(id).signal(askLogSignal, { writeNo: 2 });
    await stage.around.publish(PROJECT, event('asks', 2));
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await stage.around.publish(PROJECT, event('asks', 3, { eventType: 'session_end' }));
    await closed(stage, id);
    return { id };
  },

  async 'log-away'(stage) {
    const id = sessionWorkflowId(PROJECT, 'goes-on');
    await stage.around.publish(PROJECT, event('goes-on', 1));
    await answering(stage, id);
    const { pid } = stage.servers.nats;
    process.kill(pid, 'SIGSTOP');
    try {
      await stage.client.workflow.getHandle(id).signal(endSignal);
      await new Promise((resolve) => setTimeout(resolve, 10_000));
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await closed(stage, id);
    return { id };
  },

  async 'others-record'(stage) {
    const id = sessionWorkflowId(PROJECT, 'others');
    await stage.around.publish(PROJECT, event('others', 1));
    await answering(stage, id);
    await plantRecord(stage.servers, await runOf(stage, id));
    await stage.around.publish(PROJECT, event('others', 2));
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await stage.around.publish(PROJECT, event('others', 3, { eventType: 'session_end' }));
    await closed(stage, id);
    return { id };
  },

  async 'reopened-after-a-lost-run'(stage) {
    const id = sessionWorkflowId(PROJECT, 'lost-run');
    const end = event('lost-run', 2, { eventType: 'session_end' });
    await stage.around.publish(PROJECT, [event('lost-run', 1), end]);
    await closed(stage, id);
    const first = await runOf(stage, id);
    await plantRecord(stage.servers, first, randomUUID());
    await stage.around.publish(PROJECT, event('lost-run', 9));
    await eventually(async () => {
      if ((await runOf(stage, id)) === first) throw new Error('not reopened yet');
    }, WITHIN);
    await closed(stage, id);
    return { id };
  },

  async excluded(stage) {
    const id = sessionWorkflowId(PROJECT, 'excluded');
    await stage.around.publish(PROJECT, event('excluded', 1, { userId: 'u-excluded' }));
    await answering(stage, id);
    const handle = stage.client.workflow.getHandle(id);
    await handle.executeUpdate<SessionView, []>(excludeUpdate.name);
    await stage.around.publish(PROJECT, event('excluded', 2));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await handle.executeUpdate<SessionView, []>(includeUpdate.name);
    await handle.signal(excludeSignal);
    await stage.around.publish(PROJECT, event('excluded', 3, { eventType: 'session_end' }));
    await closed(stage, id);
    return { id };
  },

  async 'asked-by'(stage) {
    const id = sessionWorkflowId(PROJECT, 'asked');
    await stage.around.publish(PROJECT, event('asked', 1));
    await answering(stage, id);
    const handle = stage.client.workflow.getHandle(id);
    const note = { by: 'anna@desk', reason: 'a load test' };
    await handle.executeUpdate(excludeUpdate, { args: [note] });
    await handle.signal(includeSignal, { by: 'ben' });
    // Who says nothing, or nonsense, is obeyed all the same.
    await handle.signal('exclude', 'because');
    await handle.executeUpdate(includeUpdate, { args: [{}] });
    await handle.signal(endSignal, note);
    await closed(stage, id);
    return { id };
  },

  async restated(stage) {
    const id = await beganByOlderDefinitions(stage, 'restated');
    const handle = stage.client.workflow.getHandle(id);
    await handle.executeUpdate(restateUpdate, { args: [{ catalogue: 2 }] });
    await stage.around.publish(PROJECT, event('restated', 3));
    await handle.executeUpdate<SessionView, []>(excludeUpdate.name);
    await handle.signal(restateSignal, { catalogue: CATALOGUE_VERSION });
    await handle.executeUpdate<SessionView, []>(includeUpdate.name);
    // What is no such request is ignored.
    await handle.signal('restate', { catalogue: 'newest' });
    await stage.around.publish(PROJECT, event('restated', 4, { eventType: 'session_end' }));
    await closed(stage, id);
    return { id };
  },

  async 'restated-reopened'(stage) {
    const id = await beganByOlderDefinitions(stage, 'restated-late');
    const handle = stage.client.workflow.getHandle(id);
    await handle.signal(endSignal);
    await closed(stage, id);
    await untilOldIsLoaded(stage, 'restated-late');
    await sojourn(RESTATE, environmentOf(stage.servers));
    await closed(stage, id);
    return { id };
  },

  async 'restate-of-many'(stage) {
    for (const sessionId of ['many-1', 'many-2', 'many-3']) {
      await beganByOlderDefinitions(stage, sessionId);
      await untilOldIsLoaded(stage, sessionId);
    }
    const words = [...RESTATE, '--rate', '0.2'];
    const from = Date.parse(RESTATED_FROM);
    const id = restateWorkflowId(PROJECT, { from, catalogue: CATALOGUE_VERSION });
    const running = sojourn(words, environmentOf(stage.servers));
    const handle = stage.client.workflow.getHandle(id);
    await eventually(async () => {
      const view = await handle.query(restateStateQuery);
      if (view.phase !== 'restating') throw new Error('not begun yet');
    }, WITHIN);
    await handle.executeUpdate(pauseRestateUpdate);
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    await handle.executeUpdate(resumeRestateUpdate);
    await handle.signal(pauseSignal);
    await handle.signal(resumeSignal);
    await running;
    return { id };
  },

  loader: () => Promise.resolve({ id: loaderWorkflowId(0) }),

  async 'loader-that-purges'({ client, around }) {
    const id = loaderWorkflowId(0);
    const end = (session: string) => event(session, 2, { eventType: 'session_end' });
    await around.publish(PROJECT, [event('purged', 1), end('purged')]);
    const before = client.workflow.getHandle(id);
    const { position } = await eventually(async () => {
      const progress = await before.query(progressQuery);
      if (progress.position.seq === 0) throw new Error('nothing is loaded yet');
      return progress;
    }, WITHIN);
    await before.terminate();
    // As if that had been loaded long ago.
    const handle = await client.workflow.start(loader, {
      workflowId: id,
      taskQueue: TASK_QUEUE,
      args: [
        {
          partition: 0,
          rangesMax: RANGES_PER_RUN_MAX,
          state: {
            ...openLoader(0),
            position,
            runningMs: 11 * 60_000,
            marks: [{ seq: position.seq, at: 0 }],
          },
        },
      ],
    });
    await around.publish(PROJECT, [event('later', 1), end('later')]);
    await eventually(async () => {
      const { purged } = await handle.query(progressQuery);
      if (purged !== position.seq) throw new Error('nothing is purged yet');
    }, WITHIN);
    return { id };
  },

  async import({ servers }) {
    return { id: importWorkflowId(PROJECT, await importedId(servers)) };
  },

  async 'import-taken-back'({ servers }) {
    const id = await importedId(servers);
    await sojourn(['import', 'undo', id, '--json'], environmentOf(servers));
    return { id: importWorkflowId(PROJECT, id) };
  },

  async 'import-held-and-undone'({ servers, client }) {
    const id = await importedId(servers);
    await sojourn(['import', 'undo', id, '--json'], environmentOf(servers));
    const workflowId = importWorkflowId(PROJECT, id);
    // As if its command had been killed: the same plan, and nobody who loads.
    const [input] = await argumentsOf(client, workflowId);
    const handle = await client.workflow.start(IMPORT_WORKFLOW, {
      workflowId,
      taskQueue: TASK_QUEUE,
      args: [{ plan: (input as ImportInput).plan }],
    });
    await handle.executeUpdate(pauseUpdate);
    await handle.executeUpdate(resumeUpdate);
    await handle.signal(pauseSignal);
    await handle.executeUpdate(undoUpdate);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await handle.terminate();
    return { id: workflowId };
  },
};

const RESTATED_FROM = '2026-01-01';
const RESTATE = ['restate', '--from', RESTATED_FROM, '--project', PROJECT, '--json'];

/** A session as an ingest of an earlier version began it. @returns its workflow id */
async function beganByOlderDefinitions(stage: Stage, sessionId: string): Promise<string> {
  const id = sessionWorkflowId(PROJECT, sessionId);
  const at = Date.UTC(2026, 5, 1, 12);
  const input: SessionInput = {
    version: 2,
    rides: { catalogue: 1 },
    partitions: 1,
    ...{ project: PROJECT, sessionId },
    settings: { idleTimeoutMs: 20_000, checkpointMs: 1_000, lateGraceMs: 1_000 },
    batch: {
      events: [
        { id: `${sessionId}-1`, type: 'pageview', at, seq: 1, path: '/', browser: 'Firefox' },
        { id: `${sessionId}-2`, type: 'heartbeat', at: at + 20_000, seq: 2, userId: 'u-old' },
      ],
      ackFloor: 0,
      sentAt: Date.now(),
    },
  };
  await stage.client.workflow.start(SESSION_WORKFLOW, {
    workflowId: id,
    taskQueue: TASK_QUEUE,
    args: [input],
  });
  await answering(stage, id);
  return id;
}

const untilOldIsLoaded = ({ around }: Stage, sessionId: string) =>
  eventually(async () => {
    const rows = await around.select(
      `SELECT 1 FROM sojourn.sessions WHERE session_id = '${sessionId}' AND catalogue = 1`,
    );
    if (rows.length === 0) throw new Error(`${sessionId} is not loaded yet`);
  }, WITHIN);

/** Imports some sessions. @returns the name of the import */
async function importedId(servers: TestServers): Promise<string> {
  const file = join(temporaryFolder(), 'recorded.ndjson');
  const lines = [1, 2, 3].map((n) => JSON.stringify(event(`imported-${n}`, n)));
  writeFileSync(file, lines.join('\n'));
  const words = ['import', file, '--project', PROJECT, '--json'];
  const { stdout } = await sojourn(words, environmentOf(servers));
  return (JSON.parse(stdout) as { readonly id: string }).id;
}

async function argumentsOf(client: Client, workflowId: string): Promise<readonly unknown[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const { input } = events?.[0]?.workflowExecutionStartedEventAttributes ?? {};
  return (input?.payloads ?? []).map((payload) => payloadConverter.fromPayload(payload));
}

/** The records of the log that a run wrote, by their numbers. */
async function recordsOf(
  servers: TestServers,
  { events }: proto.temporal.api.history.v1.IHistory,
): Promise<Rollup[]> {
  const chain = events?.[0]?.workflowExecutionStartedEventAttributes?.firstExecutionRunId ?? '';
  const nats = await connectNats(
    requireServers(loadConfig(environmentOf(servers)), ['NATS_URL']),
    'record',
    silentLog,
  );
  try {
    const { seq: to } = await createRollupLog(nats).end(0);
    const records: Rollup[] = [];
    for await (const message of readRange(nats.js, { stream: ROLLUPS_STREAM, to })) {
      const record = decodeRollup(message.string());
      if (record.by === chain) records.push(record);
    }
    return records;
  } finally {
    await nats.connection.close();
  }
}

async function record(version: string, names: readonly string[]): Promise<void> {
  const servers = await startPrivateServers();
  const pipeline = await startPipelineProcess(servers, {
    ...QUICK_SETTINGS,
    // Without traces in what is published nothing of it is in a history.
    OTEL_EXPORTER_OTLP_ENDPOINT: NO_COLLECTOR,
  });
  const around = await connectAround(servers);
  const { client, connection } = await connectTemporalOf(servers);
  try {
    for (const name of names) {
      const { id, runId } = await (SCENARIOS[name] as Scenario)({ client, around, servers });
      const history = await client.workflow.getHandle(id, runId).fetchHistory();
      const files = filesOf(`${version}-${name}.pb.gz`);
      if (existsSync(files.history))
        throw new Error(`${files.history.pathname} exists, and histories are never replaced`);
      writeFileSync(
        files.history,
        gzipSync(proto.temporal.api.history.v1.History.encode(history).finish(), { level: 9 }),
      );
      const records = await recordsOf(servers, history);
      if (records.length > 0) writeFileSync(files.records, gzipSync(JSON.stringify(records)));
      process.stdout.write(`${name}: ${history.events?.length ?? 0} events\n`);
    }
  } finally {
    await connection.close();
    await around.close();
    await pipeline.stop();
    await servers.stop();
  }
}

const [version, ...asked] = process.argv.slice(2);
if (version === undefined) {
  process.stderr.write('usage: node --import tsx/esm test/replay/record.ts VERSION [SCENARIO…]\n');
  process.exit(2);
}
await record(version, asked.length > 0 ? asked : Object.keys(SCENARIOS));
