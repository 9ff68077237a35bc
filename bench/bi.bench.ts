/**
 * Does a dashboard feel instant on a year of data? The typical questions of docs/bi.md and every
 * view, asked as the analysts' user, each many times.
 */
import { connectClickHouse } from '../platform/clickhouse.ts';
import { fillMetrics, fillSessions } from './bi-data.ts';
import { QUESTIONS, VIEWS } from './bi-questions.ts';
import type { Result, Scenario } from './scenario.ts';
import { percentile } from './stats.ts';

const METRIC_ROWS = { quick: 300_000, default: 3_000_000, long: 10_000_000 };
const SESSIONS = { quick: 100_000, default: 1_000_000, long: 5_000_000 };
const RUNS = 20;
const WARM_UP_RUNS = 2;
const P95_MS_MAX = 100;

export const bi: Scenario = {
  name: 'bi',
  question: 'Do dashboards get their answers at once on a year of data?',
  async run(world, scale, say) {
    const metrics = await fillMetrics(world.admin, scale.pick(METRIC_ROWS));
    const sessions = await fillSessions(world.admin, scale.pick(SESSIONS));
    const variant = `${metrics} metric rows, ${sessions} session rows`;
    say(variant);
    const client = connectClickHouse(world.config, 'bi');
    const results: Result[] = [];
    try {
      for (const { name, sql } of [...VIEWS, ...QUESTIONS]) {
        const took: number[] = [];
        for (let run = -WARM_UP_RUNS; run < RUNS; run += 1) {
          const start = process.hrtime.bigint();
          const answer = await client.query({ query: sql, format: 'JSONEachRow' });
          const rows = await answer.json();
          const ms = Number(process.hrtime.bigint() - start) / 1e6;
          // An answer that is empty is quick, and proves nothing.
          if (rows.length === 0) throw new Error(`no answer to: ${name}`);
          if (run >= 0) took.push(ms);
        }
        took.sort((a, b) => a - b);
        const value = percentile(took, 95);
        results.push({
          scenario: 'bi',
          variant,
          metric: `${name}, p95 of ${RUNS}`,
          unit: 'ms',
          value,
          min: percentile(took, 0),
          max: percentile(took, 100),
          goal: `< ${P95_MS_MAX}`,
          reached: value < P95_MS_MAX,
        });
        say(`${name}: p50 ${percentile(took, 50).toFixed(0)} ms, p95 ${value.toFixed(0)} ms`);
      }
    } finally {
      await client.close();
    }
    return results;
  },
};
