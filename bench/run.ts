/**
 * Runs the benchmarks: `npm run bench -- [--quick] [--only NAME…]`. Prints a table and writes
 * `bench/results/latest.json` with machine, versions and spread.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { toError } from '../shared/errors.ts';
import { SCENARIOS } from './scenarios.ts';
import type { Result, Scale } from './scenario.ts';
import { short } from './stats.ts';
import { createWorld } from './world.ts';

const words = process.argv.slice(2);
const quick = words.includes('--quick');
const onlyAt = words.indexOf('--only');
const only = onlyAt === -1 ? [] : words.slice(onlyAt + 1).filter((word) => !word.startsWith('-'));
const unknown = only.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
if (unknown.length > 0) {
  process.stderr.write(`no such scenario: ${unknown.join(', ')}\n`);
  process.exit(2);
}

const scale: Scale = { quick, rounds: 3 };
const results: Result[] = [];
const failed: string[] = [];
for (const scenario of SCENARIOS) {
  if (only.length > 0 && !only.includes(scenario.name)) continue;
  process.stderr.write(`\n== ${scenario.name}: ${scenario.question}\n`);
  // A world of its own: what one scenario leaves behind must not slow the next.
  const world = await createWorld();
  try {
    results.push(
      ...(await scenario.run(world, scale, (line) => process.stderr.write(`   ${line}\n`))),
    );
  } catch (error) {
    // What others have found out in a quarter of an hour is not thrown away.
    failed.push(scenario.name);
    process.stderr.write(`   failed: ${toError(error).stack ?? String(error)}\n`);
  } finally {
    await world.stop();
  }
}
report(results);
if (failed.length > 0) process.exitCode = 1;

function report(all: readonly Result[]): void {
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
  const folder = fileURLToPath(new URL('results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = `${folder}${quick ? 'quick' : 'latest'}.json`;
  writeFileSync(file, `${JSON.stringify({ ...circumstances(), results: all }, null, 2)}\n`);
  process.stderr.write(`written to bench/results/${quick ? 'quick' : 'latest'}.json\n`);
}

function circumstances(): object {
  const lock = JSON.parse(
    readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'),
  ) as { packages: Record<string, { version?: string }> };
  const versionOf = (name: string) => lock.packages[`node_modules/${name}`]?.version;
  return {
    date: new Date().toISOString(),
    commit: git(['rev-parse', '--short', 'HEAD']),
    machine: {
      cores: cpus().length,
      model: cpus()[0]?.model,
      memoryGiB: Math.round(totalmem() / 1024 ** 3),
      platform: `${process.platform} ${process.arch}`,
    },
    versions: {
      node: process.version,
      temporalSdk: versionOf('@temporalio/worker'),
      nats: versionOf('@nats-io/jetstream'),
      clickhouseClient: versionOf('@clickhouse/client'),
      chdb: versionOf('chdb'),
    },
    rounds: scale.rounds,
    quick,
    failed,
  };
}

function git(args: readonly string[]): string {
  try {
    return execFileSync('git', args, { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
