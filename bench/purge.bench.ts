/**
 * Of one project's year eleven months go, 1,000,000 sessions, while others are looked at and written to: how long it takes, and
 * what they notice. What they are told must not change.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { setProject } from '../operations/projects.ts';
import { purgeProjects } from '../operations/purge-projects.ts';
import { connectClickHouse } from '../platform/clickhouse.ts';
import { fillMetrics, fillSessions } from './bi-data.ts';
import type { Result, Scenario } from './scenario.ts';
import { percentile } from './stats.ts';

/** Of the sessions four in five are of the project that is purged, and of these eleven in twelve go: 1,000,000. */
const SESSIONS = { quick: 136_200, default: 1_362_000, long: 1_362_000 };
const METRIC_ROWS = { quick: 300_000, default: 3_000_000, long: 3_000_000 };
const PURGED = 'shop';
const OTHER = 'blog';
/** Asked so often before it begins. */
const ASKED_BEFORE = 20;

const LOOK = `SELECT day, visitors, sessions, page_views FROM sojourn.overview_daily
  WHERE project = '${OTHER}' AND day >= today() - 30 AND day < today() ORDER BY day`;

export const purge: Scenario = {
  name: 'purge',
  question: 'How long does it take to purge a million sessions, and what do others see meanwhile?',
  async run(world, scale, say) {
    await fillMetrics(world.admin, scale.pick(METRIC_ROWS));
    await fillSessions(world.admin, scale.pick(SESSIONS));
    const reader = connectClickHouse(world.config, 'bi');
    const writer = connectClickHouse(world.config, 'writer');
    try {
      const others = lookAt(reader, writer);
      for (let n = 0; n < ASKED_BEFORE; n += 1) await others.once();
      const before = others.take();
      await setProject({ nats: world.nats, tables: writer }, PURGED, { retention: '30d' });

      const start = process.hrtime.bigint();
      let isDone = false;
      const purging = purgeProjects({ nats: world.nats, admin: world.admin }, Date.now()).finally(
        () => {
          isDone = true;
        },
      );
      const done = () => isDone;
      while (!done()) await others.once();
      const [purged] = await purging;
      const seconds = Number(process.hrtime.bigint() - start) / 1e9;
      const meanwhile = others.take();

      await setProject({ nats: world.nats, tables: writer }, PURGED, { retention: false });
      const variant = `${purged?.sessions ?? 0} session rows, ${purged?.metrics ?? 0} metric rows`;
      say(`${variant}: ${seconds.toFixed(1)} s`);
      return [
        { scenario: 'purge', variant, metric: 'purge', unit: 's', value: seconds },
        ...figures(variant, 'before', before),
        ...figures(variant, 'meanwhile', meanwhile),
      ];
    } finally {
      await Promise.all([reader.close(), writer.close()]);
    }
  },
};

interface Taken {
  readonly looked: number[];
  readonly wrote: number[];
}

/** Another project's month is looked at, and a row of it is written. @throws Error where what is seen changes */
function lookAt(reader: ClickHouseClient, writer: ClickHouseClient) {
  let taken: Taken = { looked: [], wrote: [] };
  let seen: string | undefined;
  let rows = 0;
  const timed = async (work: () => Promise<void>) => {
    const start = process.hrtime.bigint();
    await work();
    return Number(process.hrtime.bigint() - start) / 1e6;
  };
  return {
    async once(): Promise<void> {
      const looked = await timed(async () => {
        const text = await (await reader.query({ query: LOOK, format: 'JSONEachRow' })).text();
        if (text === '' || (seen ??= text) !== text) throw new Error('another project changed');
      });
      const wrote = await timed(async () => {
        rows += 1;
        const now = Math.floor(Date.now() / 1_000);
        const ids = { session_id: `meanwhile-${rows}`, first_run_id: `meanwhile-${rows}` };
        const values = [{ project: OTHER, ...ids, started_at: now, last_event_at: now }];
        await writer.insert({ table: 'sojourn.sessions', values, format: 'JSONEachRow' });
      });
      taken.looked.push(looked);
      taken.wrote.push(wrote);
    },
    take(): Taken {
      const now = taken;
      taken = { looked: [], wrote: [] };
      return now;
    },
  };
}

function figures(variant: string, when: string, { looked, wrote }: Taken): Result[] {
  const line = (what: string, took: readonly number[]): Result => {
    const sorted = [...took].sort((a, b) => a - b);
    return {
      ...{ scenario: 'purge', variant, metric: `${what} of another project, ${when}`, unit: 'ms' },
      value: percentile(sorted, 50),
      min: percentile(sorted, 0),
      max: percentile(sorted, 100),
    };
  };
  return [line('a month of overview_daily', looked), line('an insert', wrote)];
}
