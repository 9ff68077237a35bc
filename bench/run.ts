/**
 * Runs the benchmarks: `npm run bench -- [--quick | --long] [--only NAME…] [--rounds N] [--against DIR]…`. Prints a table and
 * writes what was found into the size's file of `bench/results/`, one scenario after the other: a
 * run that is broken off keeps what it has.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { toError } from '../shared/errors.ts';
import { circumstances, keep } from './results.ts';
import { SCENARIOS } from './scenarios.ts';
import { type Result, scaleOf, type Scenario, type Size } from './scenario.ts';
import { short } from './stats.ts';
import { createWorld } from './world.ts';

const USAGE = 'npm run bench -- [--quick | --long] [--only NAME…] [--rounds N] [--against DIR]…';
const NAMES = SCENARIOS.map(({ name }) => name);

const { size, only, against, rounds } = readWords(process.argv.slice(2));
const scale = scaleOf(size, against, rounds);
const begin = Date.now();
const results: Result[] = [];
const files = new Set<string>();
for (const scenario of SCENARIOS) {
  if (only.length > 0 ? !only.includes(scenario.name) : isLeftOut(scenario)) continue;
  const found = await measure(scenario);
  results.push(...found);
}
print(results);
process.stderr.write(
  `written to ${[...files].join(', ')} after ${((Date.now() - begin) / 60_000).toFixed(1)} min\n`,
);

function isLeftOut({ needsTime = false }: Scenario): boolean {
  return needsTime && size !== 'long';
}

function readWords(words: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        quick: flag,
        long: flag,
        only: flag,
        rounds: { type: 'string' },
        against: { type: 'string', multiple: true, default: [] },
      },
    });
    const { quick, long, only, against } = values;
    const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
    if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))
      throw new Error('--rounds takes a whole number above 0');
    const unknown = positionals.filter((name) => !only || !NAMES.includes(name));
    if (unknown.length > 0) throw new Error(`not understood: ${unknown.join(', ')}`);
    if (only && positionals.length === 0) throw new Error('--only without a name');
    if (quick && long) throw new Error('more than one size');
    const size: Size = quick ? 'quick' : long ? 'long' : 'default';
    return { size, only: positionals, against: against.map((dir) => resolve(dir)), rounds };
  } catch (error) {
    const known = `scenarios: ${NAMES.join(', ')}`;
    process.stderr.write(`${toError(error).message}\n${USAGE}\n${known}\n`);
    process.exit(2);
  }
}

async function measure(scenario: Scenario): Promise<Result[]> {
  process.stderr.write(`\n== ${scenario.name}: ${scenario.question}\n`);
  const start = Date.now();
  // A world of its own: what one scenario leaves behind must not slow the next.
  const world = await createWorld();
  const about = circumstances(scale, await world.versions());
  let found: Result[] = [];
  let failed = false;
  try {
    found = await scenario.run(world, scale, (line) => process.stderr.write(`   ${line}\n`));
  } catch (error) {
    // The others are measured all the same.
    failed = true;
    process.exitCode = 1;
    process.stderr.write(`   failed: ${toError(error).stack ?? String(error)}\n`);
  } finally {
    await world.stop();
  }
  const seconds = Math.round((Date.now() - start) / 1_000);
  const rows = found.map(({ scenario: _, ...row }) => row);
  const measured = { scenario: scenario.name, ...about, seconds, failed, results: rows };
  files.add(keep(measured, NAMES));
  process.stderr.write(`   took ${seconds} s\n`);
  return found;
}

function print(all: readonly Result[]): void {
  const table = new Table({
    head: ['scenario', 'variant', 'metric', 'median', 'spread', 'goal', ''],
  });
  for (const r of all) {
    const spread =
      r.min === undefined || r.max === undefined ? '' : `${short(r.min)} to ${short(r.max)}`;
    const reached = r.reached === undefined ? '' : r.reached ? 'yes' : 'no';
    table.push([
      r.scenario,
      r.variant,
      r.metric,
      `${short(r.value)} ${r.unit}`,
      spread,
      r.goal ?? '',
      reached,
    ]);
  }
  process.stdout.write(`${table.toString()}\n`);
}
