/**
 * A Temporal as installations have it, its server program on a Postgres. Its list of workflows is another program
 * than the embedded server's: a `?` in the literal of a query once broke it for a whole project, and a NUL in a
 * search attribute kept the session out of it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, Connection } from '@temporalio/client';
import { expect } from 'chai';
import { createPurging, purgeLoaded } from '../../activities/purge-loaded.ts';
import { findPostgres, NO_POSTGRES } from '../../bench/postgres.ts';
import {
  findTemporalPrograms,
  NO_TEMPORAL_SERVER,
  startTemporalOnPostgres,
  type TemporalOnPostgres,
} from '../../bench/temporal-postgres.ts';
import type { Status } from '../../operations/observe.ts';
import { type SessionRow, settle } from '../../operations/temporal-sessions.ts';
import { stateOf } from '../../platform/session-state.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats, createRollupLog, type Nats } from '../../platform/nats.ts';
import { createSessionIsOver } from '../../platform/temporal.ts';
import { loaderWorkflowId, parseSessionWorkflowId, sessionWorkflowId } from '../../shared/ids.ts';
import type { SessionView } from '../../shared/session-view.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { eventually } from '../support/eventually.ts';
import { onInterrupt } from '../support/on-interrupt.ts';
import {
  type Around,
  connectAround,
  connectTemporalOf,
  environmentOf,
  type KnownServers,
  type PipelineProcess,
  sojourn,
  startPipelineProcess,
  untilLoaded,
} from '../support/pipeline.ts';
import { type ReferenceEvent, referenceSession, visitsOf } from '../support/reference.ts';
import { startPrivateServers, TEST_NAMESPACE, type TestServers } from '../support/servers.ts';
import { wrongRows } from '../support/wrong-rows.ts';

const HISTORY_SHARDS = 4;
const PARTITION = 0;
const WITHIN = { withinMs: 120_000, everyMs: 500 };

const PROJECT = 'pg-names';
/** In a pattern of SQL the line under stands for any character. */
const NEIGHBOUR = 'pg_names';

/** What queries, their placeholders, patterns and escapes are made of; and what differs only in case. */
const CLOSED = [
  ...['a?b', 'a\\b', 'a"b', "a'b", 'a%b', 'a_b', 'a:b', 'a?:b?:c', ':name', '$1', 'a b;--', '-a'],
  ...['Abc', 'abc', 'ABC', 'é', 'e\u0301', '語'.repeat(128), '\u{1f989}'.repeat(128)],
];
const OPEN = ['open?', 'open\\', 'open"', 'open%', 'open:?', 'Open', 'open'];

/** What a store of text may refuse, or cut elsewhere than we do. */
const TEXTS = [
  ...['\u0000', 'ada\u0000', '\u0000ada', 'a\u0007b\u001b[0m', '\u007f\u0085\u009f', 'a\t\r\nb'],
  ...["';--", 'a?b', '100%', '\\u0000', '\u{1f989}'.repeat(256), '語'.repeat(256), '\ufffe\uffff'],
];
const textOf = (n: number) => TEXTS[n % TEXTS.length] ?? '';

const event = (
  sessionId: string,
  n: number,
  eventType = 'pageview',
  project = PROJECT,
): ReferenceEvent => ({
  project,
  sessionId,
  eventId: `e${n}`,
  eventType,
  timestamp: Date.UTC(2026, 3, 1, 12, 0, n),
});

/** A user, a source, a country and a device that no store of text likes. */
const visitor = (n: number): Pick<ReferenceEvent, 'userId' | 'properties'> => ({
  userId: textOf(n),
  properties: {
    path: `/${textOf(n)}`,
    trafficSource: textOf(n + 1),
    country: textOf(n + 2),
    deviceType: textOf(n + 3),
  },
});

const visit = (sessionId: string, n = 0): ReferenceEvent[] => [
  { ...event(sessionId, 1), ...visitor(n) },
  event(sessionId, 2),
  event(sessionId, 3, 'session_end'),
];

describe('Temporal on Postgres', function () {
  this.timeout(360_000);
  let own: TemporalOnPostgres | undefined;
  let embedded: TestServers | undefined;
  let servers: KnownServers;
  let pipeline: PipelineProcess | undefined;
  let around: Around;
  let temporal: { client: Client; connection: Connection };
  let nats: Nats;
  /** All that was sent, of every project. */
  const sent: ReferenceEvent[] = [];

  before('start it', async function () {
    this.timeout(300_000);
    const programs = findTemporalPrograms();
    const missing = programs === undefined ? NO_TEMPORAL_SERVER : await missingPostgres();
    if (programs === undefined || missing !== undefined) {
      process.stdout.write(`      (skipped: ${missing ?? ''})\n`);
      return this.skip();
    }
    const started = await startTemporalOnPostgres(programs, HISTORY_SHARDS);
    own = started;
    onInterrupt(() => started.stop());
    embedded = await startPrivateServers({ which: new Set(['nats', 'clickhouse', 'redis']) });
    const { nats: natsServer, clickhouse, redis, secrets } = embedded;
    servers = { nats: natsServer, clickhouse, redis, secrets, temporal: started };
    // Namespace and search attributes are made by this very start.
    pipeline = await startPipelineProcess(servers, {
      SESSION_IDLE_TIMEOUT: '30m',
      SESSION_CHECKPOINT: '1s',
      // Long enough for a command to see the session open.
      LATE_GRACE: '30s',
    });
    around = await connectAround(servers);
    temporal = await connectTemporalOf(servers);
    const config = requireServers(loadConfig(environmentOf(servers)), ['NATS_URL']);
    nats = await connectNats(config, 'test', silentLog);
  });

  after('stop it', async () => {
    if (pipeline !== undefined) {
      await nats.connection.close();
      await temporal.connection.close();
      await around.close();
      await pipeline.stop();
    }
    await embedded?.stop();
    await own?.stop();
  });

  async function missingPostgres(): Promise<string | undefined> {
    return (await findPostgres()) === undefined ? NO_POSTGRES : undefined;
  }

  const send = async (...events: readonly ReferenceEvent[]) => {
    for (const { project, ...message } of events) await around.publish(project, message);
    sent.push(...events);
  };

  /** The JSON that a command prints into a pipe. */
  async function json<T>(...words: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await sojourn(words, environmentOf(servers));
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout) as T;
  }

  const rowsOf = (state: string, project = PROJECT) =>
    json<SessionRow[]>('session', 'list', '--project', project, '--state', state);
  const listed = async (state: string, project?: string) =>
    (await rowsOf(state, project)).map(({ id }) => id).sort();

  const expectListed = (closed: readonly string[], open: readonly string[]) =>
    eventually(async () => {
      // One after the other, in the process that is kept: of one that starts first the open ones may have ended.
      const nowOpen = await listed('open');
      const nowClosed = await listed('closed');
      expect(nowOpen).to.deep.equal([...open].sort());
      expect(nowClosed).to.deep.equal([...closed].sort());
    }, WITHIN);

  const command = (word: 'show' | 'end', id: string) =>
    json<SessionView>('session', word, '--project', PROJECT, '--', id);

  /** Metrics and sessions in ClickHouse are those of what was sent. */
  const expectExact = (open: readonly string[]) =>
    eventually(async () => {
      const events = sent.filter(({ project }) => project === PROJECT);
      expect(wrongRows(await around.rows(PROJECT), events)).to.deep.equal([]);
      const found = await around.select<SessionLine>(
        `SELECT session_id, state, toUInt32(events) AS events, toUInt32(page_views) AS views, user_id
         FROM sojourn.sessions_current WHERE project = '${PROJECT}' ORDER BY session_id`,
      );
      expect(found).to.deep.equal(linesOf(events, new Set(open)));
    }, WITHIN);

  it('takes events from the first moment, and no session waits for its search attributes', async () => {
    await send(...CLOSED.flatMap(visit));
    await send(...OPEN.map((id, n) => ({ ...event(id, 1), ...visitor(n) })));
    await send(event('a?b', 1, 'pageview', NEIGHBOUR), ...endOf('abc', NEIGHBOUR));

    await untilLoaded(environmentOf(servers));
    const status = await json<Status>('status', '--wait');

    expect(status.events).to.deep.equal({ pending: 0, unacknowledged: 0 });
    expect(status.deadLetters).to.equal(0);
    await expectExact(OPEN);
  });

  it('lists each session of a project, whatever its id, its user and its source', async () => {
    await expectListed(CLOSED, OPEN);
    expect(await listed('open', NEIGHBOUR)).to.deep.equal(['a?b']);
    expect(await listed('closed', NEIGHBOUR)).to.deep.equal(['abc']);
    const { sessions } = await json<Status>('status');
    expect(sessions).to.deep.equal({ open: OPEN.length + 1 });
    const rows = await rowsOf('all');
    expect(rows.map(({ id }) => id)).to.have.members([...CLOSED, ...OPEN]);
    // A control character is shown as one that cannot be.
    expect(rows.find(({ id }) => id === CLOSED[1])?.user).to.equal('ada\ufffd');
    expect(rows.find(({ id }) => id === CLOSED[0])?.source).to.equal('ada\ufffd');
  });

  it('shows each of them, open and closed', async () => {
    for (const [ids, status, events] of [
      [CLOSED, 'ended', 3],
      [OPEN, 'open', 1],
    ] as const) {
      for (const [n, sessionId] of ids.entries()) {
        const view = await stateOf(temporal, PROJECT, sessionId);
        expect(view, sessionId).to.include({ sessionId, status, events });
        expect(view.attributes.userId).to.equal(textOf(n));
      }
    }
    for (const id of ['a?b', '-a', 'open\\']) {
      expect(await command('show', id)).to.include({ sessionId: id });
    }
  });

  it('purges what ended sessions have written, and keeps what open ones may write again', async () => {
    const log = createRollupLog(nats);
    const writers = async () => {
      const found = new Set<string>();
      const { lastSeq } = await log.end(PARTITION);
      for await (const { workflowId } of log.heads(PARTITION, lastSeq)) found.add(workflowId);
      return found;
    };
    const all = [...CLOSED, ...OPEN].map((id) => sessionWorkflowId(PROJECT, id));
    expect(await writers()).to.include.keys(...all);
    const loader = temporal.client.workflow.getHandle(loaderWorkflowId(PARTITION));
    const { position } = await loader.query(progressQuery);

    const purging = createPurging(createSessionIsOver(temporal.client, silentLog), Date.now);
    const request = { partition: PARTITION, log: position.log, upTo: position.seq, position };
    await purgeLoaded(log, purging, request, new AbortController().signal);

    const left = [...(await writers())].map((id) => parseSessionWorkflowId(id));
    expect(left).to.have.deep.members([
      ...OPEN.map((sessionId) => ({ project: PROJECT, sessionId })),
      { project: NEIGHBOUR, sessionId: 'a?b' },
    ]);
  });

  it('lists a session that a late event reopens as open, and then as closed again', async () => {
    await send({ ...event('a?b', 4), ...visitor(0) });

    const others = CLOSED.filter((id) => id !== 'a?b');
    await expectListed(others, [...OPEN, 'a?b']);
    await expectListed(CLOSED, OPEN);
    await expectExact(OPEN);
  });

  it('finds the result of a session that an operator resets, by an id that no query can name', async () => {
    for (const id of ['a?:b?:c', 'a:b']) {
      const run = await closedRun(id);
      await reset(id, run);
      await closedRun(id, run);
    }

    await expectExact(OPEN);
    await expectListed(CLOSED, OPEN);
  });

  it('goes on where it was when the server is killed and comes back', async () => {
    own?.kill();
    await send(...visit('away?', 1), event('open?', 2), event('Abc', 4));
    await sleep(2_000);
    await own?.restart();

    await expectExact(OPEN);
    await expectListed([...CLOSED, 'away?'], OPEN);
  });

  it('ends each open session when it is told to', async () => {
    const [byCommand = '', ...others] = OPEN;
    const ended = [await command('end', byCommand)];
    for (const id of others)
      ended.push((await settle(temporal, { project: PROJECT, sessionId: id, note: {} })).view);

    for (const view of ended) {
      expect(view).to.include({ status: 'ended', endReason: 'operator', written: true });
    }
    await expectListed([...CLOSED, 'away?', ...OPEN], []);
    await expectExact([]);
  });

  const handleOf = (id: string) =>
    temporal.client.workflow.getHandle(sessionWorkflowId(PROJECT, id));

  /** @returns the run, once the session is closed by another than this one */
  const closedRun = (id: string, but?: string) =>
    eventually(async () => {
      const { status, runId } = await handleOf(id).describe();
      if (status.name !== 'COMPLETED' || runId === but) throw new Error(`${id} is ${status.name}`);
      return runId;
    }, WITHIN);

  /** Back to its first workflow task. */
  async function reset(id: string, runId: string): Promise<void> {
    const { events } = await handleOf(id).fetchHistory();
    const task = events?.find((found) => found.workflowTaskCompletedEventAttributes);
    await temporal.client.workflowService.resetWorkflowExecution({
      namespace: TEST_NAMESPACE,
      workflowExecution: { workflowId: sessionWorkflowId(PROJECT, id), runId },
      reason: 'a test',
      requestId: randomUUID(),
      workflowTaskFinishEventId: task?.eventId ?? null,
    });
  }
});

function endOf(sessionId: string, project: string): ReferenceEvent[] {
  return [event(sessionId, 1, 'pageview', project), event(sessionId, 2, 'session_end', project)];
}

interface SessionLine {
  readonly session_id: string;
  readonly state: string;
  readonly events: number;
  readonly views: number;
  readonly user_id: string;
}

/** The table of sessions, as these events should make it. */
function linesOf(events: readonly ReferenceEvent[], open: ReadonlySet<string>): SessionLine[] {
  const lines = [...visitsOf(events).values()].map((its) => {
    const { events: count, pageViews, attributes } = referenceSession(its);
    const id = its[0]?.sessionId ?? '';
    return {
      session_id: id,
      state: open.has(id) ? 'open' : 'ended',
      events: count,
      views: pageViews,
      user_id: attributes['userId'] ?? '',
    };
  });
  // By their bytes, as ClickHouse does.
  return lines.sort((a, b) => Buffer.compare(Buffer.from(a.session_id), Buffer.from(b.session_id)));
}
