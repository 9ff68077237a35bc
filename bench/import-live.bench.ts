/** How long do rows of live sessions take while an import runs on the same machine, and what does it still bring in? */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EventFile, importFile, writeEventFile } from './import-file.ts';
import { openLoop, percentileOf, type Sample } from './latency.bench.ts';
import { startUp } from './pass-through.ts';
import type { Result, Scenario } from './scenario.ts';
import { spreadOf } from './stats.ts';
import type { World } from './world.ts';

const RATE = 25;
const MEASURED_MS = { quick: 10_000, default: 40_000, long: 60_000 };
const PER_SESSION = 20;
const TIMES_MAX = 2;
const PATHS = ['first event -> row', 'session_end -> row'] as const;

interface Round {
  readonly alone: readonly Sample[];
  readonly beside: readonly Sample[];
  /** Of the imports meanwhile. */
  readonly eventsPerSecond: number;
}

export const importLive: Scenario = {
  name: 'import-live',
  question: 'How long do rows of live sessions take while an import runs beside them?',
  needsTime: true,
  async run(world, scale, say) {
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-bench-import-live-'));
    const up = await startUp(world);
    const rounds: Round[] = [];
    try {
      const events = scale.pick({ quick: 100_000, default: 500_000, long: 1_000_000 });
      const file = await writeEventFile(join(folder, 'events.ndjson'), events, PER_SESSION);
      const measuredMs = scale.pick(MEASURED_MS);
      for (let round = 0; round < scale.rounds; round += 1) {
        const alone = await openLoop(world, RATE, measuredMs);
        const imports = keepImporting(world, file);
        const beside = await openLoop(world, RATE, measuredMs);
        const taken = { alone, beside, eventsPerSecond: await imports.stop() };
        rounds.push(taken);
        say(lineOf(taken));
      }
    } finally {
      await up.stop();
      rmSync(folder, { recursive: true, force: true });
    }
    return resultsOf(rounds);
  },
};

/** One import after the other, each into a project of its own, until somebody has enough; the last one is waited for. */
function keepImporting(world: World, file: EventFile): { stop(): Promise<number> } {
  const enough = new AbortController();
  let events = 0;
  const begin = performance.now();
  const importing = (async () => {
    while (!enough.signal.aborted) {
      await importFile(world, file);
      events += file.events;
    }
    return events / ((performance.now() - begin) / 1_000);
  })();
  // Who waits for it hears of a failure.
  importing.catch(() => undefined);
  return {
    stop() {
      enough.abort();
      return importing;
    },
  };
}

const p99 = (samples: readonly Sample[], path: string) =>
  percentileOf(
    samples.filter((sample) => sample.path === path),
    99,
  );

function lineOf({ alone, beside, eventsPerSecond }: Round): string {
  const each = PATHS.map(
    (path) => `${path} ${p99(alone, path).toFixed(0)} and ${p99(beside, path).toFixed(0)} ms`,
  );
  return `p99 without and with an import of ${eventsPerSecond.toFixed(0)} events/s: ${each.join(', ')}`;
}

function resultsOf(rounds: readonly Round[]): Result[] {
  const line = (metric: string, unit: string, values: readonly number[]): Result => {
    const { median, min, max } = spreadOf(values);
    const variant = `${RATE} live events/s`;
    return { scenario: 'import-live', variant, metric, unit, value: median, min, max };
  };
  const paths = PATHS.flatMap((path) => {
    const alone = rounds.map((round) => p99(round.alone, path));
    const beside = rounds.map((round) => p99(round.beside, path));
    const times = beside.map((ms, n) => ms / (alone[n] ?? NaN));
    return [
      line(`${path}, p99 alone`, 'ms', alone),
      line(`${path}, p99 beside an import`, 'ms', beside),
      {
        ...line(`${path}, p99 beside / alone`, 'times', times),
        goal: `<= ${TIMES_MAX}`,
        reached: spreadOf(times).median <= TIMES_MAX,
      },
    ];
  });
  return [
    ...paths,
    line(
      'import beside it',
      'events/s',
      rounds.map(({ eventsPerSecond }) => eventsPerSecond),
    ),
  ];
}
