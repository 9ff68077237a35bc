/**
 * Stores put back to copies of themselves: one while the others are of now, all to one moment, all to different ones.
 * The tables have to be what `test/support/restore-model.ts` says, and `audit` has to name what it says: the table of
 * docs/operating.md (Restoring) is made of these. The short form tries those that tell most; all of them with
 *
 *   npm run test:fault -- --rounds 1 --grep restored
 */
import { expect } from 'chai';
import {
  EVENTS_CONSUMER,
  EVENTS_STREAM,
  LOADED_SUBJECT,
  loaderWorkflowId,
  ROLLUPS_STREAM,
} from '../../shared/ids.ts';
import type { LogRange } from '../../shared/ranges.ts';
import { SERVER_NAMES } from '../../servers/index.ts';
import { faultOptions } from '../support/fault-options.ts';
import { createInstallation, statusOf, type Stores } from '../support/installation.ts';
import {
  connectTemporalOf,
  type PipelineProcess,
  sojourn,
  untilLoaded,
} from '../support/pipeline.ts';
import {
  driftingAfter,
  type Moment,
  type Moments,
  newUsersAfter,
  NOW,
  type Phase,
  type Restored,
  rowsAfter,
  rowsOfAll,
} from '../support/restore-model.ts';
import {
  expectAudit,
  expectCalm,
  expectRows,
  newUsers,
  type Notice,
  noticesIn,
  publishPhase,
} from '../support/restored.ts';

/** Sessions stay open from the first phase to the last case; who says so ends at once. */
const SETTINGS = { SESSION_IDLE_TIMEOUT: '3h', SESSION_CHECKPOINT: '500ms', LATE_GRACE: '500ms' };
const START_MS_MAX = 20 * 60_000;
const CASE_MS_MAX = 400_000;

interface Case {
  readonly name: string;
  /** Of the short form. */
  readonly tells?: true;
  readonly moments: Moments;
  /** What an operator does to the stores before ingest and workers start. */
  readonly before?: (stores: Stores, copiedAt: Date) => Promise<void>;
  /** What the tables come to, where that does not follow from the moments alone. */
  readonly as?: Partial<Restored>;
  /** What a worker notices of it, and no more. */
  readonly says?: readonly Notice[];
  /** No event is missing, and none is there twice. */
  readonly isWhole?: true;
  /** Phases that producers publish again in the end. */
  readonly again?: readonly Phase[];
  /** Then nothing is missing, and nothing there twice. */
  readonly isWholeAgain?: true;
}

const ALL_OF_1: Moments = { nats: 1, temporal: 1, clickhouse: 1, redis: 1 };

const CASES: readonly Case[] = [
  {
    name: 'ClickHouse put back',
    moments: { ...NOW, clickhouse: 1 },
    says: ['tables short'],
  },
  {
    name: 'ClickHouse put back, and what the log still has loaded again',
    moments: { ...NOW, clickhouse: 1 },
    before: loadAgain,
    as: { clickhouse: 3 },
    isWhole: true,
  },
  {
    name: 'Temporal put back',
    tells: true,
    moments: { ...NOW, temporal: 1 },
    says: ['run lost'],
  },
  {
    name: 'Temporal put back, and the log has been purged since',
    moments: { ...NOW, temporal: 1 },
    before: purgeOfEnded,
    as: { isPurged: true },
  },
  {
    name: 'NATS put back',
    moments: { ...NOW, nats: 1 },
    says: ['log put back'],
    isWhole: true,
  },
  { name: 'Redis put back', moments: { ...NOW, redis: 1 }, isWhole: true },
  {
    name: 'all four put back to one moment',
    moments: ALL_OF_1,
    again: [2, 3],
    isWholeAgain: true,
  },
  {
    name: 'all four put back, NATS further than the others',
    moments: { nats: 1, temporal: 2, clickhouse: 2, redis: 2 },
    says: ['log put back'],
    again: [3],
    isWholeAgain: true,
  },
  {
    name: 'all four put back to moments of their own, ClickHouse to the earliest',
    tells: true,
    moments: { redis: 0, clickhouse: 1, temporal: 2, nats: 3 },
    says: ['tables short'],
  },
  {
    name: 'all four put back to moments of their own, NATS to the earliest',
    tells: true,
    moments: { redis: 0, nats: 1, temporal: 2, clickhouse: 3 },
    says: ['log put back'],
    again: [3],
  },
  {
    name: 'NATS and Temporal put back to one moment',
    moments: { ...ALL_OF_1, clickhouse: 3, redis: 3 },
    says: ['log put back'],
  },
  {
    name: 'all but NATS put back to one moment, and events offered again from then on',
    moments: { ...ALL_OF_1, nats: 3 },
    before: offerAgain,
    as: { temporal: 3, clickhouse: 3, redis: 3 },
    isWhole: true,
  },
];

const isShort = faultOptions().rounds === undefined;

describe('restored from a backup', function () {
  this.timeout(CASE_MS_MAX);
  const installation = createInstallation(SETTINGS);
  let copiedAt = new Date(0);
  let stores: Stores | undefined;
  let pipeline: PipelineProcess | undefined;

  async function start(before?: (stores: Stores) => Promise<void>) {
    const opened = await installation.openStores();
    stores = opened;
    await before?.(opened);
    pipeline = await installation.startPipeline(opened);
    return { stores: opened, pipeline };
  }

  async function stop(): Promise<number | null | undefined> {
    const code = await pipeline?.stop();
    pipeline = undefined;
    await stores?.stop();
    stores = undefined;
    return code;
  }

  before('three phases, with a copy of all stores after each', async function () {
    this.timeout(START_MS_MAX);
    for (const phase of [1, 2, 3] as const) {
      const running = await start();
      await publishPhase(running.stores, phase);
      await untilLoaded(running.stores.environment);
      await expectRows(running.stores, (project) => rowsOfAll(project, phase));
      expect(await stop()).to.equal(0);
      await installation.copyAs(`after phase ${phase}`);
      if (phase === 1) copiedAt = new Date();
    }
  });

  afterEach('stop everything', async function () {
    this.timeout(CASE_MS_MAX);
    if (this.currentTest?.isFailed() === true) print(pipeline?.log() ?? 'it did not start');
    await stop();
  });

  for (const one of CASES) {
    const { name, moments, before, as, says = [], isWhole, again, isWholeAgain, tells } = one;
    if (isShort && tells === undefined) {
      print(`left out: ${name} (with --rounds)`);
      continue;
    }

    it(`has in its tables what the docs say: ${name}`, async () => {
      for (const store of SERVER_NAMES) await installation.putBack(store, copyOf(moments[store]));
      const running = await start((opened) => before?.(opened, copiedAt) ?? Promise.resolve());
      const restored: Restored = { ...moments, ...as };
      if (before === undefined) {
        // Until something new is written, nobody loads what the tables lack.
        const { pending } = (await statusOf(running.stores)).differences;
        expect((pending ?? 0) > 0).to.equal(moments.clickhouse < moments.nats);
      }

      await publishPhase(running.stores, 4);
      await untilLoaded(running.stores.environment);

      await expectRows(running.stores, (project) => rowsAfter(project, restored));
      if (isWhole === true) await expectRows(running.stores, (project) => rowsOfAll(project));
      await expectAudit(running.stores, driftingAfter(restored), isBehind(moments));
      expect(await newUsers(running.stores)).to.equal(newUsersAfter(restored));
      await expectCalm(running.stores);
      // A bad message each phase.
      expect((await statusOf(running.stores)).deadLetters).to.equal(moments.nats + 1);
      const { code, body } = await installation.readiness();
      expect(code, body).to.equal(200);
      expect(noticesIn(running.pipeline.log())).to.have.members(says);

      if (again === undefined) return;
      for (const phase of again) await publishPhase(running.stores, phase);
      await untilLoaded(running.stores.environment);
      await expectRows(running.stores, (project) => rowsAfter(project, restored, again));
      if (isWholeAgain) await expectRows(running.stores, (project) => rowsOfAll(project));
      await expectAudit(running.stores, driftingAfter(restored, again), isBehind(moments));
    });
  }
});

function copyOf(moment: Moment): string | undefined {
  return moment === 0 ? undefined : `after phase ${moment}`;
}

/** NATS was put back behind what Temporal or ClickHouse knows of it. */
function isBehind({ nats, temporal, clickhouse }: Moments): boolean {
  return nats < Math.max(temporal, clickhouse);
}

/**
 * The loader begins where the tables end: the ledger is made to say what they say, and the loader, which remembers more
 * than that, is ended. The worker starts another one.
 */
async function loadAgain({ servers, around }: Stores): Promise<void> {
  const [range] = await around.select<LogRange>(
    `SELECT partition, log, range_from AS \`from\`, range_to AS \`to\`, range_at AS at
     FROM sojourn.loaded_ranges FINAL WHERE partition = 0 AND match(log, '^[0-9]+(-[0-9]+)?$')
     ORDER BY loaded_at DESC LIMIT 1
     SETTINGS output_format_json_quote_64bit_integers = 0`,
  );
  await around.js.publish(`${LOADED_SUBJECT}.0`, JSON.stringify({ range, isLoaded: true }));
  const { client, connection } = await connectTemporalOf(servers);
  try {
    await client.workflow.getHandle(loaderWorkflowId(0)).terminate('the tables were put back');
  } finally {
    await connection.close();
  }
}

/** What the loader does some minutes after they were loaded: sessions that are over do not repeat a write. */
async function purgeOfEnded({ around, jsm }: Stores): Promise<void> {
  const over = await around.select<{ run: string }>(
    `SELECT first_run_id AS run FROM sojourn.sessions_current WHERE state = 'ended'`,
  );
  expect(over.length).to.be.above(0);
  for (const { run } of over)
    await jsm.streams.purge(ROLLUPS_STREAM, { filter: `rollups.0.${run}.*` });
}

/** ROLLUPS goes: what sessions of the copies write again is under numbers that it has. */
async function offerAgain({ jsm, environment }: Stores, copiedAt: Date): Promise<void> {
  await jsm.streams.delete(ROLLUPS_STREAM);
  await jsm.consumers.delete(EVENTS_STREAM, EVENTS_CONSUMER);
  const words = ['migrate', '--events-from', copiedAt.toISOString()];
  const { code, stderr } = await sojourn(words, environment);
  expect(code, stderr).to.equal(0);
}

function print(text: string): void {
  process.stdout.write(`${text.replace(/^/gm, '    ')}\n`);
}
