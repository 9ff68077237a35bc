/**
 * Which rate of live events goes on for good with rows as fresh as they are promised, and how fresh are they at a part of
 * it? The rate is raised until they are not; this checkout's build, and those of the checkouts named by `--against`.
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
/** Events a second. */
const FIRST_RATE = 150;
const STEP = 1.2;
const STEPS_MAX = 8;
/** 99 % of rows are there within, milliseconds. */
const FRESH_MS = { [END_ROW]: 2_000, [FIRST_ROW]: 3_000 } as const;
const PARTS = [0.5, 0.7] as const;
/** At the last of these parts, half of it while nobody asks for rows: what comes round only every few minutes shows. */
const ENDURES_MS = { quick: 0, default: 0, long: 30 * 60_000 };
const ASKED_EVERY_MS = 1_000;

export const steady: Scenario = {
  name: 'steady',
  question: 'Which rate of live events can go on for good, and how fresh are rows at a part of it?',
  needsTime: true,
  async run(_world, scale, say) {
    const shape = scale.pick(SHAPES);
    const measuredMs = scale.pick(MEASURED_MS);
    const rates = new Map<string, number[]>();
    const rounds = new Map<string, Round[]>();
    for (let round = 0; round < scale.rounds; round += 1) {
      for (const root of [...scale.against, HERE]) {
        const build = root === HERE ? 'this build' : basename(root);
        const tree = await startTree(root);
        const playAt = async (rate: number, ms = measuredMs, pollMs?: number) => {
          const found = await play(tree, { ...shape, rate }, ms, pollMs);
          say(`${build}, ${rate} events/s: ${describe(found)}`);
          return found;
        };
        const note = (key: string, found: Round) => {
          rounds.set(key, [...(rounds.get(key) ?? []), found]);
        };
        try {
          const rate = await greatestRate(playAt);
          rates.set(build, [...(rates.get(build) ?? []), rate]);
          for (const part of PARTS) {
            note(`${build}, ${part * 100} % of that`, await playAt(Math.round(rate * part)));
          }
          const enduresMs = scale.pick(ENDURES_MS);
          if (enduresMs > 0) {
            const found = await playAt(Math.round(rate * 0.7), enduresMs / 2, ASKED_EVERY_MS);
            note(`${build}, 70 % of that, ${enduresMs / 60_000} min`, found);
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

/** The last rate, in steps up or down, at which rows were fresh. @throws Error where there is none */
async function greatestRate(playAt: (rate: number) => Promise<Round>): Promise<number> {
  let rate = FIRST_RATE;
  let good: number | undefined;
  let wasTooMuch = false;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    if (isFresh(await playAt(rate))) {
      good = rate;
      if (wasTooMuch) break;
      rate = Math.round(rate * STEP);
    } else {
      wasTooMuch = true;
      if (good !== undefined) break;
      rate = Math.round(rate / STEP);
    }
  }
  if (good === undefined) throw new Error('rows were fresh at no rate');
  return good;
}

function isFresh({ samples }: Round): boolean {
  return ([END_ROW, FIRST_ROW] as const).every((path) => p99(samples[path]) <= FRESH_MS[path]);
}
