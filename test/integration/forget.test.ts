/** A person's data out of every store, on real servers: before and after, by user, visitor and session; nothing comes back. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { jetstreamManager } from '@nats-io/jetstream';
import type { Client } from '@temporalio/client';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { visitorKey } from '../../activities/recognize-visitor.ts';
import {
  createVisitorSessions,
  sessionKey,
  visitorKey as trackerKey,
} from '../../collect/visitor-sessions.ts';
import { openServers } from '../../imports/servers.ts';
import { runImport } from '../../imports/run-import.ts';
import { openWorkFolder } from '../../imports/work-folder.ts';
import type { ForgetOutcome } from '../../operations/forget-person.ts';
import { dropPseudonyms, findLinked, findOwn, replaceRows } from '../../operations/forget-rows.ts';
import { CLICKHOUSE_ADMIN } from '../../servers/index.ts';
import { loadConfig } from '../../platform/config.ts';
import { followForgotten, type FollowedForgotten } from '../../platform/forgotten.ts';
import { hashOf, readForgotten, writeNote } from '../../platform/forgotten-bucket.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats } from '../../platform/nats.ts';
import { isWorkflowGone } from '../../platform/temporal.ts';
import { SojournError } from '../../shared/errors.ts';
import { deadLetterSubject, FORGOTTEN_STREAM, sessionWorkflowId } from '../../shared/ids.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  type CommandResult,
  connectAround,
  connectTemporalOf,
  environmentOf,
  type PipelineProcess,
  sojourn,
  spawnSojourn,
  startPipelineProcess,
  untilLoaded,
} from '../support/pipeline.ts';
import { publishedRows } from '../support/published.ts';
import { quietTemporal } from '../support/quiet-temporal.ts';
import { temporaryFolder, useServers } from '../support/servers.ts';

const MINUTE_MS = 60_000;
const SOON = { withinMs: 90_000, everyMs: 250 };

interface Stores {
  readonly sessions: number;
  readonly imports: number;
  readonly runs: number;
  readonly claims: number;
  readonly events: number;
  readonly deadLetters: number;
  readonly rollups: number;
}

const GONE: Stores = {
  ...{ sessions: 0, imports: 0, runs: 0, claims: 0, events: 0, deadLetters: 0, rollups: 0 },
};

describe('forget', function () {
  // Some tests call a dozen commands.
  this.timeout(480_000);
  const servers = useServers();
  const folder = temporaryFolder();
  const dataDir = join(folder, 'data');
  const suffix = Date.now().toString(36);
  let pipeline: PipelineProcess;
  let around: Around;
  let admin: ClickHouseClient;
  let redis: Redis;
  let temporal: { client: Client; close(): Promise<void> };

  before(async () => {
    pipeline = await startPipelineProcess(servers(), {
      ...{ SESSION_IDLE_TIMEOUT: '10m', SESSION_CHECKPOINT: '1s', LATE_GRACE: '1s' },
    });
    around = await connectAround(servers());
    redis = new Redis(servers().redis.url);
    admin = createClient({
      url: servers().clickhouse.url,
      username: CLICKHOUSE_ADMIN,
      password: servers().secrets.clickhouse.adminPassword,
    });
    const { client, connection } = await connectTemporalOf(servers());
    temporal = { client, close: () => connection.close() };
  });

  after(async () => {
    redis.disconnect();
    await Promise.all([admin.close(), around.close(), temporal.close()]);
    expect(await pipeline.stop()).to.equal(0);
  });

  const environment = () => environmentOf(servers());
  const run = (...words: readonly string[]): Promise<CommandResult> =>
    sojourn([...words, '--data-dir', dataDir], environment());

  async function done(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await run(...words);
    expect(code, stdout + stderr).to.equal(0);
    return stdout;
  }

  async function forget(project: string, ...whom: readonly string[]): Promise<ForgetOutcome> {
    const { code, stdout, stderr } = await run('forget', '--project', project, ...whom, '--json');
    expect(code, stdout + stderr).to.equal(0);
    const [, id = ''] = whom;
    expect(stdout + stderr).not.to.include(id);
    return JSON.parse(stdout) as ForgetOutcome;
  }

  const arrived = () => untilLoaded(environment());
  const names = (project: string) => `forget-${project}-${suffix}`;

  /** What each store has of these texts, wherever they stand. */
  async function storesOf(
    project: string,
    { ids, sessions, user }: { ids: readonly string[]; sessions: readonly string[]; user?: string },
  ): Promise<Stores> {
    const list = ids.map((id) => `'${id}'`).join(', ');
    const count = async (query: string) => {
      const result = await admin.query({ query, format: 'JSONEachRow' });
      const [row] = await result.json<{ n: string }>();
      return Number(row?.n);
    };
    const inStream = async (stream: string, subject: string) => {
      const jsm = await jetstreamManager(around.nc);
      let found = 0;
      for (let seq = 1; ;) {
        const query = { seq, next_by_subj: subject };
        const message = await jsm.streams.getMessage(stream, query);
        if (message === null) return found;
        if (ids.some((id) => message.string().includes(`"${id}"`))) found += 1;
        seq = message.seq + 1;
      }
    };
    const runs = new Set<string>();
    for (const id of sessions) {
      const workflowId = sessionWorkflowId(project, id);
      const query = `WorkflowId = '${workflowId}'`;
      for await (const { runId } of temporal.client.workflow.list({ query })) runs.add(runId);
      // Temporal's list is a moment late, and the newest run is known without it.
      const newest = await temporal.client.workflow
        .getHandle(workflowId)
        .describe()
        .catch((error: unknown) => {
          if (isWorkflowGone(error)) return undefined;
          throw error;
        });
      if (newest !== undefined) runs.add(newest.runId);
    }
    return {
      sessions: await count(
        `SELECT count() AS n FROM sojourn.sessions WHERE project = '${project}'
         AND (session_id IN (${list}) OR user_id IN (${list}) OR visitor_id IN (${list}))`,
      ),
      imports: await count(
        `SELECT count() AS n FROM sojourn.import_sessions WHERE project = '${project}'
         AND multiSearchAny(concat(session_id, ' ', events), [${list}])`,
      ),
      runs: runs.size,
      claims: user === undefined ? 0 : await redis.exists(visitorKey(project, user)),
      events: await inStream('EVENTS', `events.${project}.>`),
      deadLetters: await inStream('DEADLETTERS', deadLetterSubject(project)),
      rollups: await inStream('ROLLUPS', 'rollups.>'),
    };
  }

  /** All that is told of days, and of metrics. */
  async function numbersOf(project: string): Promise<object> {
    const views = ['overview_daily', 'overview_monthly', 'unique_users', 'entry_pages_daily'];
    const rows = views.map((view) =>
      around.select(`SELECT * FROM sojourn.${view} WHERE project = '${project}' ORDER BY ALL`),
    );
    const metrics = Array.from(await around.rows(project), ([key, { value, count }]) =>
      [key, String(value), count].join(' '),
    );
    return { views: await Promise.all(rows), metrics: metrics.sort() };
  }

  async function expectAudited(project: string): Promise<void> {
    expect(JSON.parse(await done('audit', '--project', project, '--json'))).to.include({
      differing: 0,
    });
  }

  const at = Date.now() - 10 * MINUTE_MS;
  const event = (
    sessionId: string,
    n: number,
    more: Readonly<Record<string, unknown>> = {},
    eventType = 'pageview',
  ) => ({
    ...{ eventType, sessionId, eventId: `${sessionId}-${n}`, timestamp: at + n * 1_000 },
    properties: { path: `/page-${n}`, country: 'DE', language: 'de' },
    ...more,
  });

  it('takes a user out of every store, numbers kept, and nothing brings them back', async () => {
    const project = names('user');
    const user = `ulla-${suffix}`;
    const device = `phone-${suffix}`;
    const sessions = ['open', 'ended', 'before', 'old'].map((name) => `${name}-${suffix}`);
    const [open = '', ended = '', before = '', old = ''] = sessions;
    const history = join(folder, 'history.ndjson');
    const past = [
      { ...event(old, 1, { userId: user }), timestamp: at - 40 * 24 * 60 * MINUTE_MS },
      {
        ...event(`ottos-${suffix}`, 2, { userId: 'otto' }),
        timestamp: at - 40 * 24 * 60 * MINUTE_MS,
      },
    ];
    writeFileSync(history, past.map((one) => `${JSON.stringify(one)}\n`).join(''));
    const importing = ['import', history, '--project', project, '--json'];
    await done(...importing);
    const published = [
      event(open, 1, { userId: user }),
      event(open, 2),
      event(ended, 1, { userId: user, visitorId: device }),
      event(ended, 2, {}, 'session_end'),
      // Before it was known who it is, on the same device; and somebody else on it.
      event(before, 1, { visitorId: device }),
      event(before, 2, {}, 'session_end'),
      event('of-otto', 1, { userId: 'otto', visitorId: device }),
      event('of-otto', 2, {}, 'session_end'),
      event('of-nobody', 1),
    ];
    for (const one of published) await around.publish(project, one);
    await around.publish(project, [event(ended, 3, { userId: user }), event('of-nobody', 3)]);
    const bad = { ...event(open, 9, { userId: user }), timestamp: 'yesterday' };
    await around.publish(project, bad);
    await arrived();
    const whom = { ids: [user, ...sessions], sessions, user };
    const numbers = await numbersOf(project);
    let held = GONE;
    // Versions of sessions that merge meanwhile would be fewer, and nobody would have forgotten them.
    await admin.command({ query: 'SYSTEM STOP MERGES sojourn.sessions' });
    try {
      held = await storesOf(project, whom);
      expect(held).to.include({ imports: 1, claims: 1, events: 8, deadLetters: 1 });
      expect(held.sessions).to.be.at.least(4);
      // One more where the array came after the end, and reopened the session.
      const { runs } = held;
      expect(runs).to.be.within(3, 4);

      const planned = await forget(project, '--user', user, '--dry-run');
      expect(planned).to.include({ sessions: 4, linkedSessions: 1, importSessions: 1, runs });
      expect(planned).to.include({ redisKeys: 1, events: 8, deadLetters: 1, until: null });
      expect(await storesOf(project, whom)).to.deep.equal(held);
    } finally {
      await admin.command({ query: 'SYSTEM START MERGES sojourn.sessions' });
    }
    const { runs } = held;

    const outcome = await forget(project, '--user', user);
    expect(outcome).to.include({ sessions: 4, linkedSessions: 1, importSessions: 1, runs });
    expect(outcome).to.include({ redisKeys: 1, events: 8, deadLetters: 1, dryRun: false });
    expect(await storesOf(project, whom)).to.deep.equal(GONE);
    // The other one's session on that device stays, and its messages for as long as any do.
    expect(await storesOf(project, { ids: [device], sessions: [] })).to.include({ sessions: 0 });
    expect(await numbersOf(project)).to.deep.equal(numbers);
    await expectAudited(project);
    const [otto] = await around.select<object>(
      `SELECT session_id, user_id FROM sojourn.sessions_current
       WHERE project = '${project}' AND session_id = 'of-otto'`,
    );
    expect(otto).to.deep.equal({ session_id: 'of-otto', user_id: 'otto' });

    // All of it once more: published, replayed, imported, and from another file.
    for (const one of published.slice(0, 6)) await around.publish(project, one);
    const badSeq = await around.publish(project, bad);
    await eventually(async () => {
      const listed = await done('deadletters', 'list', '--project', project, '--json');
      expect(JSON.parse(listed)).to.have.length(1);
    }, SOON);
    const fixed = join(folder, 'fixed.json');
    writeFileSync(fixed, JSON.stringify(event(open, 9, { userId: user })));
    const listed = await done('deadletters', 'list', '--project', project, '--json');
    const [letter] = JSON.parse(listed) as { seq: number }[];
    await done('deadletters', 'replay', '--seq', String(letter?.seq), '--file', fixed);
    expect(JSON.parse(await done(...importing))).to.include({ state: 'already imported' });
    const another = join(folder, 'another.ndjson');
    writeFileSync(another, `${JSON.stringify(past[0])}\n${JSON.stringify(event(old, 5))}\n`);
    expect(JSON.parse(await done('import', another, '--project', project, '--json'))).to.include({
      ...{ state: 'done', sessions: 0, loaded: 0 },
    });
    await arrived();
    await eventually(async () => {
      expect(await storesOf(project, whom)).to.deep.equal({ ...GONE, events: 1 });
    }, SOON);
    expect(await numbersOf(project)).to.deep.equal(numbers);
    // The bad one says no time that could be compared: it is left to the next forget.
    const jsm = await jetstreamManager(around.nc);
    const left = await jsm.streams.getMessage('EVENTS', { seq: badSeq });
    expect(left?.string()).to.include('yesterday');

    // Nothing else is left to do; who comes again is somebody new.
    expect(await forget(project, '--user', user)).to.include({ sessions: 0, runs: 0, events: 1 });
    expect(await storesOf(project, whom)).to.deep.equal(GONE);
    const again = { ...event(`again-${suffix}`, 1, { userId: user }), timestamp: Date.now() };
    await around.publish(project, again);
    await arrived();
    const [row] = await around.select<object>(
      `SELECT user_id, new_user FROM sojourn.sessions_current
       WHERE project = '${project}' AND session_id = 'again-${suffix}'`,
    );
    expect(row).to.deep.equal({ user_id: user, new_user: true });
    await expectAudited(project);

    const lines = await around.select<{ state: string; hash: string }>(
      `SELECT state, hash FROM sojourn.forgotten WHERE project = '${project}' ORDER BY at`,
    );
    expect(lines.map(({ state }) => state)).to.deep.equal(['begun', 'done', 'begun', 'done']);
    expect(lines.every(({ hash }) => hash === outcome.hash)).to.equal(true);
    expect(pipeline.log()).not.to.include(user);
  });

  it('takes a visitor, and a session, out of every store', async () => {
    const project = names('visitor');
    const visitor = `browser-${suffix}`;
    const sessions = [`v1-${suffix}`, `v2-${suffix}`];
    const [first = '', second = ''] = sessions;
    const alone = `alone-${suffix}`;
    await around.publish(project, [
      event(first, 1, { visitorId: visitor, userId: 'vera' }),
      event(second, 1, { visitorId: visitor }),
      event(alone, 1, { userId: 'vera' }),
      event('veras', 1, { userId: 'vera' }),
    ]);
    for (const one of [first, second, alone, 'veras']) {
      await around.publish(project, event(one, 2, {}, 'session_end'));
    }
    await arrived();
    const numbers = await numbersOf(project);

    expect(await forget(project, '--session', alone)).to.include({ sessions: 1, runs: 1 });
    const one = { ids: [alone], sessions: [alone] };
    expect(await storesOf(project, one)).to.deep.equal(GONE);
    expect(await numbersOf(project)).to.deep.equal(numbers);

    const before = await storesOf(project, { ids: [visitor, ...sessions], sessions });
    // A version of a session counts until it is merged.
    expect(before.sessions).to.be.at.least(2);
    expect(before).to.include({ runs: 2 });
    expect(await forget(project, '--visitor', visitor)).to.include({ sessions: 2, runs: 2 });
    expect(await storesOf(project, { ids: [visitor, ...sessions], sessions })).to.deep.equal(GONE);
    expect(await numbersOf(project)).to.deep.equal(numbers);
    await expectAudited(project);
    // She is known to have been here.
    await around.publish(project, { ...event('back', 1, { userId: 'vera' }) });
    await arrived();
    const [row] = await around.select<object>(
      `SELECT new_user FROM sojourn.sessions_current WHERE project = '${project}' AND session_id = 'back'`,
    );
    expect(row).to.deep.equal({ new_user: false });
  });

  it('takes back what a user has counted, where it is told to', async () => {
    const project = names('back');
    const user = `bert-${suffix}`;
    const open = `open-${suffix}`;
    const ended = `ended-${suffix}`;
    const sale = { userId: user, properties: { path: '/buy', revenue: '12.5', currency: 'EUR' } };
    const others = [event('of-others', 1, { userId: 'olga' }), event('of-others', 2)];
    const published = [
      event(open, 1, { userId: user }),
      event(open, 2, sale, 'purchase'),
      event(ended, 1, { userId: user }),
      event(ended, 2, {}, 'session_end'),
      ...others,
    ];
    for (const one of published) await around.publish(project, one);
    await arrived();
    const planned = await forget(project, '--user', user, '--take-back', '--dry-run');
    expect(planned).to.include({ sessions: 2, until: null });
    expect(await countedRows(project)).to.deep.equal(rowsOf(project, published));

    expect(await forget(project, '--user', user, '--take-back')).to.include({ sessions: 2 });

    expect(await countedRows(project)).to.deep.equal(rowsOf(project, others));
    const whom = { ids: [user, open, ended], sessions: [open, ended], user };
    expect(await storesOf(project, whom)).to.deep.equal(GONE);
    const days = await around.select<object>(
      `SELECT visitors, sessions, page_views FROM sojourn.overview_daily WHERE project = '${project}'`,
    );
    expect(days.map((day) => Object.values(day).map(Number))).to.deep.equal([[1, 1, 2]]);
    await expectAudited(project);
    for (const one of published.slice(0, 4)) await around.publish(project, one);
    await arrived();
    expect(await countedRows(project)).to.deep.equal(rowsOf(project, others));
  });

  it('takes the events that imports have kept of sessions whose rows are gone', async () => {
    const [undone, retained] = [names('undone'), names('retained')];
    const user = `hugo-${suffix}`;
    const device = `netbook-${suffix}`;
    const file = join(folder, 'kept.ndjson');
    const days = (n: number) => at - n * 24 * 60 * MINUTE_MS;
    const past = [
      { ...event(`hugos-${suffix}`, 1, { userId: user, visitorId: device }), timestamp: days(40) },
      { ...event(`untold-${suffix}`, 2, { visitorId: device }), timestamp: days(41) },
      { ...event('told', 3, { userId: 'otto', visitorId: device }), timestamp: days(42) },
    ];
    writeFileSync(file, past.map((one) => `${JSON.stringify(one)}\n`).join(''));
    const imported = new Map<string, string>();
    for (const project of [undone, retained]) {
      const outcome = await done('import', file, '--project', project, '--json');
      imported.set(project, (JSON.parse(outcome) as { id: string }).id);
    }
    await done('import', 'undo', imported.get(undone) ?? '');
    await done('project', 'set', retained, '--retention', '30d');
    await done('project', 'purge');
    await done('project', 'set', retained, '--no-retention');

    for (const project of [undone, retained]) {
      const whom = { ids: [user, `hugos-${suffix}`, `untold-${suffix}`], sessions: [] };
      const named = { ...GONE, imports: 2 };
      expect(await storesOf(project, whom), project).to.deep.equal(named);
      const planned = await forget(project, '--user', user, '--dry-run');
      expect(planned).to.include({ sessions: 0, importSessions: 2 });

      expect(await forget(project, '--user', user)).to.include({ sessions: 0, importSessions: 2 });
      expect(await storesOf(project, whom), project).to.deep.equal(GONE);
      // Another's session on that device is kept for as long as the import is.
      expect(await storesOf(project, { ids: ['otto'], sessions: [] })).to.include({ imports: 1 });
      expect(await forget(project, '--visitor', device)).to.include({ importSessions: 1 });
      expect(await storesOf(project, { ids: [device], sessions: [] })).to.deep.equal(GONE);
    }
  });

  it('takes what is over a quota of sessions that only dead letters have', async () => {
    const project = names('letters');
    const [user, device] = [`lena-${suffix}`, `watch-${suffix}`];
    const [own, before, ottos] = [`lenas-${suffix}`, `untold-${suffix}`, `ottos-${suffix}`];
    const quota = (...words: readonly string[]) => done('project', 'set', project, ...words);
    // Within the quota: a row of that device, which nobody has told of, and one of somebody else on it.
    const early = `early-${suffix}`;
    await around.publish(project, [
      event(early, 1, { visitorId: device }),
      event(early, 2, {}, 'session_end'),
      event(ottos, 1, { userId: 'otto', visitorId: device }),
      event(ottos, 2, {}, 'session_end'),
    ]);
    await arrived();
    await quota('--max-messages-per-day', '0');
    const others = [event(ottos, 3, { visitorId: device }), event('of-nobody', 2)];
    const published = [
      event(before, 1, { visitorId: device }),
      // Only the last says who it is, and not by which device.
      ...[1, 2, 3].map((n) => event(own, n, { visitorId: device })),
      event(own, 4, { userId: user }, 'login'),
      others[0],
      [event(own, 5), others[1], event(own, 6, { userId: user })],
    ];
    for (const one of published) await around.publish(project, one);
    const letters = async () =>
      JSON.parse(await done('deadletters', 'list', '--project', project, '--json')) as {
        readonly payload: string;
      }[];
    await eventually(async () => {
      expect(await letters()).to.have.length(published.length);
    }, SOON);
    await arrived();
    // As after a week.
    const jsm = await jetstreamManager(around.nc);
    await jsm.streams.purge('EVENTS', { filter: `events.${project}.>` });

    const planned = await forget(project, '--user', user, '--dry-run');
    expect(planned).to.include({ deadLetters: 6, sessions: 1, runs: 1, events: 0 });
    const outcome = await forget(project, '--user', user);
    expect(outcome).to.include({ deadLetters: 6, sessions: 1, runs: 1, events: 0 });

    const left = (await letters()).map(({ payload }) => JSON.parse(payload) as unknown);
    expect(left).to.deep.equal(others);
    const whom = { ids: [user, own, before, early], sessions: [own, before, early], user };
    expect(await storesOf(project, whom)).to.deep.equal(GONE);
    await quota('--no-max-messages-per-day');
    await done('deadletters', 'replay', '--project', project);
    for (const one of published.slice(0, 4)) await around.publish(project, one);
    await arrived();
    expect(await storesOf(project, whom)).to.deep.equal(GONE);
    const sessions = await around.select<{ id: string; views: string }>(
      `SELECT session_id AS id, toString(page_views) AS views FROM sojourn.sessions_current
       WHERE project = '${project}' AND session_id NOT LIKE 'forgotten-%' ORDER BY id`,
    );
    expect(sessions).to.deep.equal([
      { id: 'of-nobody', views: '1' },
      { id: ottos, views: '2' },
    ]);
    await expectAudited(project);
  });

  it('knows a session without a row until it is done, though its last message that names somebody is gone', async () => {
    const deps = { admin, project: names('noted'), run: `noted-${suffix}` };

    const replaced = await replaceRows(deps, [], [], ['of-letters']);

    expect(replaced).to.deep.equal({ sessions: 0, linked: 0, imports: 0 });
    const noted = async () => {
      const query = `SELECT kind, id FROM sojourn.forgetting WHERE run = '${deps.run}'`;
      return (await admin.query({ query, format: 'JSONEachRow' })).json();
    };
    expect(await noted()).to.deep.equal([{ kind: 'session', id: 'of-letters' }]);
    await dropPseudonyms(deps);
    expect(await noted()).to.deep.equal([]);
  });

  it('is followed by an import that had read the person’s events before', async () => {
    const project = names('reading');
    const user = `nora-${suffix}`;
    const past = [
      event(`noras-${suffix}`, 1, { userId: user }),
      event('ottos', 2, { userId: 'otto' }),
    ].map((one) => ({ ...one, timestamp: at - 40 * 24 * 60 * MINUTE_MS }));
    const records = past.map((one, n) => ({ line: n + 1, data: Buffer.from(JSON.stringify(one)) }));
    let readings = 0;
    async function* open() {
      readings += 1;
      yield { file: 'past.ndjson', records };
      if (readings === 1) await forget(project, '--user', user);
    }
    const config = loadConfig(environment());
    quietTemporal();
    const opened = await openServers(config, silentLog);
    const workFolder = openWorkFolder(dataDir);
    const nothing = () => undefined;
    try {
      const outcome = await runImport(
        opened,
        config,
        {
          ...{ project, format: 'sojourn', files: ['past.ndjson'], open, folder: workFolder },
          ...{ threads: 0, replace: false, keepBad: false, now: Date.now },
          signal: new AbortController().signal,
          ...{ onRead: nothing, onPlanned: nothing, onLoaded: nothing, onTakenBack: nothing },
        },
        silentLog,
      );
      expect(outcome).to.include({ state: 'done', records: 2, events: 1, sessions: 1, loaded: 1 });
    } finally {
      workFolder.remove();
      await opened.close();
    }
    expect(readings).to.equal(2);
    const whom = { ids: [user, `noras-${suffix}`], sessions: [], user };
    expect(await storesOf(project, whom)).to.deep.equal(GONE);
    expect(await countedRows(project)).to.deep.equal(rowsOf(project, past.slice(1)));
  });

  it('changes nothing where that could not be taken back exactly', async () => {
    const project = names('inexact');
    const user = `ina-${suffix}`;
    const file = join(folder, 'inexact.ndjson');
    const old = {
      ...event(`old-${suffix}`, 1, { userId: user }),
      timestamp: at - 40 * 24 * 60 * MINUTE_MS,
    };
    writeFileSync(file, JSON.stringify(old));
    await done('import', file, '--project', project, '--json');

    for (const more of [['--dry-run'], []]) {
      const { code, stderr } = await run(
        ...['forget', '--project', project, '--user', user, '--take-back', ...more],
      );
      expect(code).to.equal(1);
      expect(stderr).to.include('1 of 1 sessions came by an import');
    }
    const whom = { ids: [user], sessions: [], user };
    expect(await storesOf(project, whom)).to.include({ sessions: 1, imports: 1, claims: 1 });
    expect(await forget(project, '--user', user)).to.include({ sessions: 1, importSessions: 1 });
    expect(await countedRows(project)).to.deep.equal(rowsOf(project, [old]));
  });

  it('leaves alone who came after the user on the same device, and what cannot be taken back', async () => {
    const project = names('device');
    const user = `dora-${suffix}`;
    const device = `tablet-${suffix}`;
    const [own, ottos] = [`doras-${suffix}`, `ottos-${suffix}`];
    const published = [
      event(own, 1, { userId: user, visitorId: device }),
      event(own, 2, {}, 'session_end'),
      event(ottos, 1, { visitorId: device }),
    ];
    let before = GONE;
    // The version of the time before he had told who he is stays.
    await admin.command({ query: 'SYSTEM STOP MERGES sojourn.sessions' });
    try {
      for (const one of published) await around.publish(project, one);
      await eventually(async () => {
        expect(await storesOf(project, { ids: [ottos], sessions: [] })).to.include({ sessions: 1 });
      }, SOON);
      const login = [event(ottos, 2, { userId: 'otto' }), event(ottos, 3, {}, 'session_end')];
      await around.publish(project, login);
      await arrived();
      before = await storesOf(project, { ids: [ottos], sessions: [ottos] });
      expect(before.sessions).to.be.at.least(2);
      // Another session that had the same id, of which Temporal knows nothing.
      await admin.command({
        query: `INSERT INTO sojourn.sessions SELECT * REPLACE (concat(substring(first_run_id, 1, 28), 'earlier1') AS first_run_id)
          FROM sojourn.sessions FINAL WHERE project = '${project}' AND session_id = '${own}'`,
      });
      const forgetting = ['forget', '--project', project, '--user', user];
      const { code, stderr } = await run(...forgetting, '--take-back');
      expect(code, stderr).to.equal(1);
      expect(stderr).to.include('1 of 2 sessions came by an import');

      const planned = await forget(project, '--user', user, '--dry-run');
      expect(planned).to.include({ sessions: 2, linkedSessions: 1 });
    } finally {
      await admin.command({ query: 'SYSTEM START MERGES sojourn.sessions' });
    }
    expect(await forget(project, '--user', user)).to.include({ sessions: 2, linkedSessions: 1 });
    const rows = await around.select<object>(
      `SELECT user_id FROM sojourn.sessions_current WHERE project = '${project}' AND session_id = '${ottos}'`,
    );
    expect(rows).to.deep.equal([{ user_id: 'otto' }]);
    expect(await storesOf(project, { ids: [ottos], sessions: [ottos] })).to.include({
      runs: before.runs,
    });
  });

  it('replaces an id in every version of a session that stays, and loses none that is written meanwhile', async () => {
    const project = names('versions');
    const [user, device] = [`vito-${suffix}`, `console-${suffix}`];
    const [own, ottos] = [`vitos-${suffix}`, `ottos-${suffix}`];
    for (const one of [
      event(own, 1, { userId: user, visitorId: device }),
      event(own, 2, {}, 'session_end'),
      event(ottos, 1, { userId: 'otto', visitorId: device }),
      event(ottos, 2, {}, 'session_end'),
    ]) {
      await around.publish(project, one);
    }
    await arrived();
    const versionsWithId = async () =>
      (await storesOf(project, { ids: [device], sessions: [] })).sessions;
    const write = (columns: string) =>
      admin.command({
        query: `INSERT INTO sojourn.sessions SELECT * REPLACE (${columns}) FROM sojourn.sessions FINAL
          WHERE project = '${project}' AND session_id = '${ottos}'`,
      });
    const pageViews = () =>
      around.select<object>(
        `SELECT page_views FROM sojourn.sessions_current WHERE project = '${project}' AND session_id = '${ottos}'`,
      );
    let isLate = false;
    const deps = {
      // A late event's version comes between the rows that replace others and their deletion.
      admin: Object.assign(Object.create(admin) as ClickHouseClient, {
        insert: async (params: Parameters<ClickHouseClient['insert']>[0]) => {
          const result = await admin.insert(params);
          if (!isLate && JSON.stringify(params.values).includes(ottos)) {
            isLate = true;
            await write(`version + 1 AS version, '${device}' AS visitor_id, 7 AS page_views`);
          }
          return result;
        },
      }),
      ...{ project, run: `versions-${suffix}` },
    };
    const replace = async (visitors: readonly string[]) => {
      const found = await findOwn(admin, { project, kind: 'user', id: user }, []);
      const linked = await findLinked(admin, project, found, { users: [], visitors });
      return replaceRows(deps, found, linked, [own]);
    };
    await admin.command({ query: 'SYSTEM STOP MERGES sojourn.sessions' });
    await write(`toUInt64(0) AS version, 'open' AS state`);
    try {
      expect(await versionsWithId()).to.be.at.least(3);
    } finally {
      await admin.command({ query: 'SYSTEM START MERGES sojourn.sessions' });
    }

    expect(await replace([])).to.include({ sessions: 1, linked: 1 });
    expect(isLate).to.equal(true);
    expect(await versionsWithId()).to.equal(1);
    expect((await pageViews()).map((row) => Object.values(row).map(Number))).to.deep.equal([[7]]);
    expect(await replace([device])).to.include({ sessions: 0, linked: 1 });
    expect(await versionsWithId()).to.equal(0);
    expect((await pageViews()).map((row) => Object.values(row).map(Number))).to.deep.equal([[7]]);
    expect(await replace([device])).to.include({ sessions: 0, linked: 0 });
    await dropPseudonyms(deps);
  });

  const countedRows = async (project: string) =>
    [...(await around.rows(project))].filter(([, a]) => a.value !== 0n || a.count !== 0).sort();
  const rowsOf = (project: string, events: readonly ReturnType<typeof event>[]) =>
    [...publishedRows(events.map((one) => ({ project, ...one })))]
      .filter(([, a]) => a.value !== 0n || a.count !== 0)
      .sort();

  it('killed in the middle and run again, finishes', async function () {
    this.timeout(600_000);
    const project = names('killed');
    const user = `kim-${suffix}`;
    const sessions = Array.from({ length: 3 }, (_, n) => `k${n}-${suffix}`);
    await around.publish(
      project,
      sessions.flatMap((id) => [event(id, 1, { userId: user }), event(id, 2, {}, 'session_end')]),
    );
    await around.publish(project, event('of-others', 1, { userId: 'kurt' }));
    await arrived();
    const numbers = await numbersOf(project);
    const whom = { ids: [user, ...sessions], sessions, user };

    // At the moment that rows are there twice, and after the sessions are gone from Temporal.
    for (const isTime of [
      async () => (await storesOf(project, whom)).runs < sessions.length,
      async () => (await pseudonyms(project)) > 0,
    ]) {
      const words = ['forget', '--project', project, '--user', user, '--data-dir', dataDir];
      const child = spawnSojourn(words, environment());
      const exited = once(child, 'exit');
      await eventually(
        async () => {
          if (child.exitCode === null) expect(await isTime()).to.equal(true);
        },
        { withinMs: 150_000, everyMs: 5 },
      );
      child.kill('SIGKILL');
      await exited;
    }
    await forget(project, '--user', user);
    expect(await storesOf(project, whom)).to.deep.equal(GONE);
    expect(await numbersOf(project)).to.deep.equal(numbers);
    await expectAudited(project);
  });

  it('takes what trackers’ visitors had of sessions out of Redis', async () => {
    const project = names('trackers');
    const [user, device] = [`rita-${suffix}`, `laptop-${suffix}`];
    const sessions = createVisitorSessions(redis, { idleMs: 30 * MINUTE_MS });
    const begin = async (tracker: 'segment' | 'matomo' | 'umami', name: string) => {
      const visitor = trackerKey(project, tracker, name);
      await sessions.sessionsOf({
        visitor,
        events: [{ id: 'e-1', begins: true }],
        now: Date.now(),
      });
      return sessionKey(visitor);
    };
    const ofUser = [
      await begin('segment', `user:${user}`),
      await begin('matomo', `user:${user}`),
      await begin('umami', `id:${user}`),
    ];
    const ofDevice = [
      await begin('segment', `anonymous:${device}`),
      await begin('matomo', `device:${device}`),
    ];
    const ofOthers = await begin('segment', 'user:otto');

    expect(await forget(project, '--user', user, '--dry-run')).to.include({ redisKeys: 3 });
    expect(await redis.exists(ofUser)).to.equal(3);
    expect(await forget(project, '--user', user)).to.include({ redisKeys: 3 });
    expect(await redis.exists(ofUser)).to.equal(0);
    expect(await redis.exists(ofDevice)).to.equal(2);
    expect(await forget(project, '--visitor', device)).to.include({ redisKeys: 2 });
    expect(await redis.exists(ofDevice)).to.equal(0);
    expect(await redis.exists(ofOthers)).to.equal(1);
  });

  async function pseudonyms(project: string): Promise<number> {
    const result = await admin.query({
      query: `SELECT count() AS n FROM sojourn.sessions WHERE project = '${project}' AND startsWith(session_id, 'forgotten-')`,
      format: 'JSONEachRow',
    });
    const [row] = await result.json<{ n: string }>();
    return Number(row?.n);
  }

  it('stays known to who runs, where the bucket is gone or made anew', async () => {
    const project = names('bucket');
    const config = { ...loadConfig(environment()), NATS_URL: servers().nats.url };
    const nats = await connectNats(config, 'the test', silentLog);
    const isGone = (list: FollowedForgotten, sessionId: string) =>
      list.isForgotten(project, { sessionId, event: { at } });
    const note = async (sessionId: string) => {
      const hash = hashOf((await readForgotten(nats)).key)('session', project, sessionId);
      const note = { until: at, run: '', state: 'done' } as const;
      await writeNote(nats, { project, kind: 'session', hash }, note);
    };
    const followed = await followForgotten(nats, silentLog);
    try {
      await note('first');
      await eventually(() => expect(isGone(followed, 'first')).to.equal(true), SOON);
      await nats.jsm.streams.delete(FORGOTTEN_STREAM);
      const refused = await followForgotten(nats, silentLog).catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(SojournError).and.include({ code: 'SJ_MIGRATION' });
      expect(
        (await run('import', join(folder, 'history.ndjson'), '--project', project)).code,
      ).to.equal(1);
      await done('migrate');
      await note('second');
      await eventually(() => expect(isGone(followed, 'second')).to.equal(true), SOON);
      expect(isGone(followed, 'first')).to.equal(true);
      expect(isGone(followed, 'third')).to.equal(false);
    } finally {
      await followed.stop();
      await nats.connection.close();
    }
  });

  it('says what is wrong with how it was called', async () => {
    expect((await run('forget', '--project', 'shop')).code).to.equal(2);
    expect((await run('forget', '--user', 'u')).code).to.equal(2);
    const both = await run('forget', '--project', 'shop', '--user', 'u', '--visitor', 'v');
    expect(both.code).to.equal(2);
  });
});
