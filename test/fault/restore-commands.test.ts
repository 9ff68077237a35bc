/**
 * Stores put back by the commands that docs/operating.md gives for servers of one's own (`pg_dump`, `nats backup`,
 * `BACKUP`, `BGSAVE`), as `restore.test.ts` puts back copies of folders. One thing differs: ROLLUPS is not copied, and made
 * anew. So sessions find nothing in it that they had written, and the loader nothing of an older copy of it.
 * Skipped where one of the programs is missing.
 */
import { expect } from 'chai';
import { EVENTS_CONSUMER, EVENTS_STREAM, ROLLUPS_STREAM } from '../../shared/ids.ts';
import { SERVER_NAMES } from '../../servers/index.ts';
import { statusOf, type Stores } from '../support/installation.ts';
import {
  findBackupPrograms,
  type InstallationByCommands,
  startInstallationByCommands,
} from '../support/installation-by-commands.ts';
import { type PipelineProcess, sojourn, untilLoaded } from '../support/pipeline.ts';
import {
  expectAudit,
  expectCalm,
  expectRows,
  newUsers,
  noticesIn,
  publishPhase,
} from '../support/restored.ts';
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

const SETTINGS = { SESSION_IDLE_TIMEOUT: '3h', SESSION_CHECKPOINT: '500ms', LATE_GRACE: '500ms' };
const START_MS_MAX = 20 * 60_000;
const CASE_MS_MAX = 400_000;

interface Case {
  readonly name: string;
  readonly moments: Moments;
  /** ROLLUPS and the consumer go, and events are offered again from the first copies on. */
  readonly isOfferedAgain?: true;
  /** No event is missing, and none is there twice. */
  readonly isWhole?: true;
  /** Phases that producers publish again in the end: then nothing is missing, and nothing there twice. */
  readonly again?: readonly Phase[];
}

const ALL_OF_1: Moments = { nats: 1, temporal: 1, clickhouse: 1, redis: 1 };

const CASES: readonly Case[] = [
  { name: 'all four to one moment', moments: ALL_OF_1, again: [2, 3] },
  { name: 'NATS alone', moments: { ...NOW, nats: 1 }, isWhole: true },
  { name: 'Temporal to an earlier moment', moments: { ...NOW, temporal: 1 } },
  {
    name: 'all four to moments of their own, ClickHouse to the earliest',
    moments: { redis: 0, clickhouse: 1, temporal: 2, nats: 3 },
  },
  {
    name: 'all but NATS to one moment, and events are offered again',
    moments: { ...ALL_OF_1, nats: 3 },
    isOfferedAgain: true,
    isWhole: true,
  },
];

describe('restored by the makers’ own commands', function () {
  this.timeout(CASE_MS_MAX);
  let installation: InstallationByCommands | undefined;
  let copiedAt = new Date(0);
  let stores: Stores | undefined;
  let pipeline: PipelineProcess | undefined;

  const its = (): InstallationByCommands => {
    if (installation === undefined) throw new Error('there is no installation');
    return installation;
  };

  async function start(before?: (stores: Stores) => Promise<void>) {
    const opened = await its().openStores();
    stores = opened;
    await before?.(opened);
    pipeline = await its().startPipeline(opened);
    return { stores: opened, pipeline };
  }

  async function stop(): Promise<number | null | undefined> {
    const code = await pipeline?.stop();
    pipeline = undefined;
    await stores?.stop();
    stores = undefined;
    return code;
  }

  before('three phases, with a backup of all stores after each', async function () {
    this.timeout(START_MS_MAX);
    const programs = await findBackupPrograms();
    if (typeof programs === 'string') {
      print(`(skipped: ${programs})`);
      return this.skip();
    }
    installation = await startInstallationByCommands(programs, SETTINGS);
    for (const phase of [1, 2, 3] as const) {
      const running = await start();
      await publishPhase(running.stores, phase);
      await untilLoaded(running.stores.environment);
      await expectRows(running.stores, (project) => rowsOfAll(project, phase));
      expect(await stop()).to.equal(0);
      await its().copyAs(nameOf(phase));
      if (phase === 1) copiedAt = new Date();
    }
  });

  afterEach('stop the pipeline', async function () {
    if (this.currentTest?.isFailed() === true) print(pipeline?.log() ?? 'it did not start');
    await stop();
  });

  after('stop the servers', async () => {
    await stop();
    await installation?.stop();
  });

  for (const { name, moments, isOfferedAgain, isWhole, again } of CASES) {
    it(`has in its tables what the docs say: ${name}`, async () => {
      for (const store of SERVER_NAMES) await its().putBack(store, copyOf(moments[store]));
      const running = await start(
        isOfferedAgain && ((opened) => offerAgain(its(), opened, copiedAt)),
      );
      const restored = afterwards(moments, isOfferedAgain);
      if (isOfferedAgain === undefined) {
        // A ROLLUPS made anew has nothing, whatever the tables lack.
        expect((await statusOf(running.stores)).differences.pending ?? 0).to.equal(0);
      }

      await publishPhase(running.stores, 4);
      await untilLoaded(running.stores.environment);

      await expectRows(running.stores, (project) => rowsAfter(project, restored));
      if (isWhole === true) await expectRows(running.stores, (project) => rowsOfAll(project));
      await expectAudit(running.stores, driftingAfter(restored), false);
      expect(await newUsers(running.stores)).to.equal(newUsersAfter(restored));
      await expectCalm(running.stores);
      // A bad message each phase.
      expect((await statusOf(running.stores)).deadLetters).to.equal(moments.nats + 1);
      const { code, body } = await its().readiness();
      expect(code, body).to.equal(200);
      // The log that would tell of an older copy is another one.
      expect(noticesIn(running.pipeline.log())).to.deep.equal([]);

      if (again === undefined) return;
      for (const phase of again) await publishPhase(running.stores, phase);
      await untilLoaded(running.stores.environment);
      await expectRows(running.stores, (project) => rowsOfAll(project));
      await expectAudit(running.stores, driftingAfter(restored, again), false);
    });
  }
});

const nameOf = (phase: Phase): string => `after-phase-${phase}`;

function copyOf(moment: Moment): string | undefined {
  return moment === 0 ? undefined : nameOf(moment);
}

/** Nothing is found in a ROLLUPS that was made anew: a session believes to be written what it knows to have written. */
function afterwards(moments: Moments, isOfferedAgain: true | undefined): Restored {
  const restored = { ...moments, nats: 0 } as const;
  return isOfferedAgain === true ? { ...restored, temporal: 3, clickhouse: 3, redis: 3 } : restored;
}

/** As docs/operating.md says it (Offering events again). */
async function offerAgain(
  installation: InstallationByCommands,
  { environment }: Stores,
  copiedAt: Date,
): Promise<void> {
  // It is not in the backups: the first `migrate` makes it.
  await migrate(environment);
  await installation.nats('stream', 'rm', ROLLUPS_STREAM, '--force');
  await installation.nats('consumer', 'rm', EVENTS_STREAM, EVENTS_CONSUMER, '--force');
  await migrate(environment, '--events-from', copiedAt.toISOString());
}

async function migrate(
  environment: Stores['environment'],
  ...words: readonly string[]
): Promise<void> {
  const { code, stderr } = await sojourn(['migrate', ...words], environment);
  expect(code, stderr).to.equal(0);
}

function print(text: string): void {
  process.stdout.write(`${text.replace(/^/gm, '    ')}\n`);
}
