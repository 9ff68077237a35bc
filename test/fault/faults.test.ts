/**
 * Real servers, real kills, a real (bad) network, and numbers that have to be exact afterwards. The
 * short form has every fault once that is not slow; the long form is
 *
 *   npm run test:fault -- --rounds 100 --seed 7
 *
 * and what operators do, each alone, also those kinds that are off:
 *
 *   npm run test:fault -- --kinds "reset late,delete"
 *
 * and any of these with two processes and a Temporal that is its server program on a Postgres:
 *
 *   npm run test:fault -- --temporal postgres --grep "whatever fails"
 */
import { expect } from 'chai';
import { faultOptions } from '../support/fault-options.ts';
import { KIND_NAMES, kindOf } from '../support/fault-kinds.ts';
import {
  FAULTS,
  nameOf,
  planKinds,
  planLong,
  planShort,
  type RoundPlan,
} from '../support/fault-plan.ts';
import { assertRight, playRound, type RoundResult } from '../support/fault-round.ts';
import { makeTraffic, type Traffic } from '../support/fault-traffic.ts';
import { type FaultWorld, startFaultWorld } from '../support/fault-world.ts';
import { type Random, randomOf } from '../support/random.ts';
import { ANY_PORTS } from '../support/pipeline.ts';

/** Short, so that sessions end, late events come and checkpoints are written within a round. */
const SETTINGS = { SESSION_IDLE_TIMEOUT: '4s', SESSION_CHECKPOINT: '1s', LATE_GRACE: '1s' };
const ROUND_MS_MAX = 300_000;
const START_MS_MAX = 20 * 60_000;

const { rounds, seed, kinds, onPostgres } = faultOptions();
const RECOVERY_MS_MAX = kinds === undefined ? 90_000 : 45_000;
const isShort = rounds === undefined;
const SHAPE = isShort ? { sessions: 30, durationMs: 4_000 } : { sessions: 45, durationMs: 6_000 };

describe('whatever fails', () => {
  const random = randomOf(seed);
  const plans = planOf(random);
  const played: { project: string; traffic: Traffic; result: RoundResult | undefined }[] = [];
  let world: FaultWorld;
  let began = 0;
  let failed = false;

  before('start the servers', async function () {
    this.timeout(START_MS_MAX);
    print(`seed ${seed}, ${plans.length} rounds`);
    for (const name of KIND_NAMES) {
      const { off } = kindOf(name);
      if (off !== undefined && kinds === undefined) print(`left out: ${name} (${off})`);
    }
    world = await startFaultWorld({ seed, settings: SETTINGS, onPostgres });
    // Neither starts a server: all addresses are set.
    for (const name of onPostgres ? ['up', 'up-2'] : ['up']) {
      world.run(name, ['up', '--data-dir', `${world.folder}/${name}`, ...ANY_PORTS]);
    }
    await world.heal();
    began = Date.now();
  });

  afterEach(function () {
    failed ||= this.currentTest?.isFailed() ?? false;
  });

  after('stop everything', async function () {
    this.timeout(120_000);
    print(tableOf());
    if (failed) print(`logs are kept in ${world.folder}`);
    await world.close(failed);
  });

  for (const [index, plan] of plans.entries()) {
    const faults = plan.faults.map(({ fault }) => nameOf(fault)).join(', ');
    it(`round ${index + 1}: ${faults}`, async function () {
      this.timeout(ROUND_MS_MAX);
      const project = `round-${seed}-${index + 1}`;
      const traffic = makeTraffic(random, project, SHAPE);
      const entry: (typeof played)[number] = { project, traffic, result: undefined };
      played.push(entry);

      entry.result = await playRound(world, project, { traffic, plan, random }, RECOVERY_MS_MAX);

      if (kinds !== undefined) print(entry.result.diary.join('\n'));
      expect(entry.result.badStops).to.deep.equal([]);
    });
  }

  it('and what was right stays right', async function () {
    this.timeout(ROUND_MS_MAX);
    for (const { project, traffic, result } of played) {
      await assertRight(world, project, result?.expected ?? traffic);
    }
  });

  function tableOf(): string {
    const counts = new Map(FAULTS.map((fault) => [nameOf(fault), 0]));
    for (const { fault } of plans.slice(0, played.length).flatMap((plan) => plan.faults)) {
      counts.set(nameOf(fault), (counts.get(nameOf(fault)) ?? 0) + 1);
    }
    const results = played.flatMap(({ result }) => (result === undefined ? [] : [result]));
    const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
    const distinct = played.map(({ traffic }) => traffic.events.length);
    const recoveries = results.map(({ recoveryMs }) => recoveryMs).sort((a, b) => a - b);
    const seconds = (ms: number | undefined) => `${((ms ?? 0) / 1_000).toFixed(1)} s`;
    const lines: [string, string | number][] = [
      ...counts,
      ['seed', seed],
      ['rounds', `${results.length} of ${plans.length} right`],
      ['sessions', sum(played.map(({ traffic }) => traffic.sessionIds.size))],
      ['events', sum(distinct)],
      ['messages published', sum(results.map(({ messages }) => messages))],
      ['rounds with wrong rows', played.length - results.length],
      ['recovery, median', seconds(recoveries[Math.floor(recoveries.length / 2)])],
      ['recovery, longest', seconds(recoveries.at(-1))],
      ['processes that ended by themselves', sum([...world.processes].map((p) => p.ownEnds))],
      ['Temporal that ended by itself', world.temporalOwnEnds],
      ['time', seconds(Date.now() - began)],
    ];
    return lines.map(([name, value]) => `${name.padEnd(36)} ${value}`).join('\n');
  }
});

function planOf(random: Random): RoundPlan[] {
  if (kinds !== undefined) return planKinds(random, kinds, SHAPE.durationMs);
  return isShort ? planShort(random, SHAPE.durationMs) : planLong(random, rounds, SHAPE.durationMs);
}

function print(text: string): void {
  process.stdout.write(`${text.replace(/^/gm, '    ')}\n`);
}
