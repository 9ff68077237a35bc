/** Forgets a person, and prints what went. Nothing that is printed names them. */
import { withNats, withTemporal, commandLog } from '../operations/connect.ts';
import {
  type ForgetCounts,
  type ForgetOutcome,
  forgetPerson,
} from '../operations/forget-person.ts';
import type { Person } from '../operations/forget-rows.ts';
import { createProbe } from '../operations/loading-probe.ts';
import { createObserver } from '../operations/observe.ts';
import { connectClickHouse } from '../platform/clickhouse.ts';
import { operatorName } from '../platform/operator.ts';
import { connectRedis } from '../platform/redis.ts';
import { commandConfig } from './command-config.ts';
import { formatCount, print, printJson, printTable, remark } from './output.ts';
import { createProgress } from './progress.ts';

export interface ForgetPrintOptions {
  readonly by?: string | undefined;
  readonly dryRun?: true | undefined;
  readonly takeBack?: true | undefined;
  readonly json?: true | undefined;
  readonly dataDir: string;
}

/** @throws SojournError, as `forgetPerson` does */
export async function forgetAndPrint(person: Person, options: ForgetPrintOptions): Promise<void> {
  const config = commandConfig(options, [
    'NATS_URL',
    'TEMPORAL_ADDRESS',
    'CLICKHOUSE_URL',
    'REDIS_URL',
  ]);
  const isDryRun = options.dryRun === true;
  const admin = connectClickHouse(config, 'admin');
  const redis = connectRedis(config, commandLog(config));
  const observer = createObserver(config);
  const probe = createProbe(observer, config.SESSION_CHECKPOINT);
  const progress = createProgress('forgetting');
  try {
    const outcome = await withNats(config, (nats) =>
      withTemporal(config, (temporal) =>
        forgetPerson({ nats, temporal, admin, redis, probe }, person, {
          ...{ isDryRun, takesBack: options.takeBack === true, dataDir: options.dataDir },
          doneBy: options.by ?? operatorName(),
          onStep: (what) => {
            progress.update(0, what);
          },
        }),
      ),
    );
    progress.stop();
    if (options.json === true) printJson(outcome);
    else printOutcome(outcome);
  } finally {
    progress.stop();
    await observer.close();
    redis.disconnect();
    await admin.close();
  }
}

const LABELS: readonly (readonly [keyof ForgetCounts, store: string, what: string])[] = [
  ['sessions', 'ClickHouse', 'sessions that name nobody any more'],
  ['linkedSessions', 'ClickHouse', 'sessions of others with an id replaced'],
  ['importSessions', 'ClickHouse', 'sessions kept by imports'],
  ['runs', 'Temporal', 'workflow executions'],
  ['redisKeys', 'Redis', 'keys'],
  ['events', 'NATS', 'messages of EVENTS'],
  ['rollups', 'NATS', 'records of ROLLUPS'],
  ['deadLetters', 'NATS', 'messages of DEADLETTERS'],
  ['importFolders', 'this machine', 'folders of imports that were killed'],
];

function printOutcome(outcome: ForgetOutcome): void {
  const { dryRun, hash, until, metricRowsNaming } = outcome;
  printTable(
    ['STORE', 'WHAT', dryRun ? 'WOULD GO' : 'WENT'],
    LABELS.map(([name, store, what]) => [store, what, formatCount(outcome[name])]),
  );
  if (metricRowsNaming > 0) {
    remark(
      `${formatCount(metricRowsNaming)} rows of metrics have the id in the value of a dimension (a path, for example): they stay`,
    );
  }
  if (until !== null) print(`forgotten as ${hash}: events up to ${until} do not count again`);
}
