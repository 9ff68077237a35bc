/**
 * Which rate of live events can go on for good, and how fresh are rows at a part of it? The rate is raised until it is not
 * kept up with; this checkout's build, and those of the checkouts named by `--against`.
 */
import { basename } from 'node:path';
import {
  describe,
  END_ROW,
  FIRST_ROW,
  p99,
  play,
  resultsOf,
  type Round,
  type Traffic,
} from './live-rate.bench.ts';
import type { Result, Scale, Scenario } from './scenario.ts';
import { spreadOf } from './stats.ts';
import { HERE, startTree } from './tree.ts';

const SHAPES: Readonly<Record<Scale['size'], Omit<Traffic, 'rate'>>> = {
  quick: { events: 5, gapMs: 2_000 },
  default: { events: 5, gapMs: 15_000 },
  long: { events: 5, gapMs: 15_000 },
};
const MEASURED_MS = { quick: 5_000, default: 20_000, long: 60_000 };
/** Of the tries. */
const TRIED_MS = { quick: 5_000, default: 10_000, long: 30_000 };
/** Events a second. */
const FIRST_RATE = 120;
const STEP = 1.2;
const STEPS_MAX = 8;
/** It is kept up with where 99 % of first events and of ends have a row within this: where it is not, some wait for half a minute. */
const KEPT_UP_MS = 5_000;
const ENDURED = 0.7;
const PARTS = [0.5, ENDURED] as const;
/**
 * This build at the last of these parts, once, half of it while nobody asks for rows: what comes round only every few
 * minutes shows.
 */
const ENDURES_MS = { quick: 0, default: 0, long: 30 * 60_000 };
/** How often rows are asked for: ten times a second alone would take a quarter of a core. */
const ASKED_EVERY_MS = 400;

export const steady: Scenario = {
  name: 'steady',
  question: 'Which rate of live events can go on for good, and how fresh are rows at a part of it?',
  needsTime: true,
  async run(_world, scale, say) {
    const shape = scale.pick(SHAPES);
    const measuredMs = scale.pick(MEASURED_MS);
    const triedMs = scale.pick(TRIED_MS);
    const rates = new Map<string, number[]>();
    const rounds = new Map<string, Round[]>();
    for (let round = 0; round < scale.rounds; round += 1) {
      for (const root of [...scale.against, HERE]) {
        const build = root === HERE ? 'this build' : basename(root);
        const tree = await startTree(root);
        const playAt = async (rate: number, ms = measuredMs) => {
          const found = await play(tree, { ...shape, rate }, ms, ASKED_EVERY_MS);
          say(`${build}, ${rate} events/s: ${describe(found)}`);
          return found;
        };
        const note = (key: string, found: Round) => {
          rounds.set(key, [...(rounds.get(key) ?? []), found]);
        };
        try {
          const rate = await greatestRate((tried) => playAt(tried, triedMs));
          rates.set(build, [...(rates.get(build) ?? []), rate]);
          for (const part of PARTS) {
            note(`${build}, ${part * 100} % of that`, await playAt(Math.round(rate * part)));
          }
          const enduresMs = scale.pick(ENDURES_MS);
          if (enduresMs > 0 && root === HERE && round === scale.rounds - 1) {
            const found = await playAt(Math.round(rate * ENDURED), enduresMs / 2);
            note(`${build}, ${ENDURED * 100} % of that, ${enduresMs / 60_000} min`, found);
          }
        } finally {
          await tree.stop();
        }
      }
    }
    const greatest = [...rates].map(([build, values]): Result => {
      const { median, min, max } = spreadOf(values);
      return {
        ...{ scenario: 'steady', variant: build, metric: 'greatest steady rate' },
        ...{ unit: 'events/s', value: median, min, max },
      };
    });
    const fresh = [...rounds].flatMap(([key, list]) => resultsOf('steady', key, list));
    return [...greatest, ...fresh];
  },
};

/** The last rate, in steps up or down, that was kept up with. @throws Error where there is none */
async function greatestRate(playAt: (rate: number) => Promise<Round>): Promise<number> {
  let rate = FIRST_RATE;
  let good: number | undefined;
  let wasTooMuch = false;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    if (isKeptUpWith(await playAt(rate))) {
      good = rate;
      if (wasTooMuch) break;
      rate = Math.round(rate * STEP);
    } else {
      wasTooMuch = true;
      if (good !== undefined) break;
      rate = Math.round(rate / STEP);
    }
  }
  if (good === undefined) throw new Error('no rate was kept up with');
  return good;
}

function isKeptUpWith({ samples }: Round): boolean {
  return ([END_ROW, FIRST_ROW] as const).every((path) => p99(samples[path]) <= KEPT_UP_MS);
}
