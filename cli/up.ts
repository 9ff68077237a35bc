/** The command `up` and its options; the work is in `run-up.ts`, loaded when it runs. */
import { Command } from '@commander-js/extra-typings';
import { durationArgument, portArgument } from './options.ts';

export function upCommand() {
  return new Command('up')
    .description('start everything on this machine: servers, ingest and workers')
    .option('--demo', 'play believable visitor traffic')
    .option('--for <duration>', 'end after this long, for example 60s', durationArgument)
    .option('--data-dir <dir>', 'where the servers keep their data', '.sojourn')
    .option('--nats-port <n>', 'port of NATS', portArgument, 4222)
    .option('--temporal-port <n>', 'port of Temporal', portArgument, 7233)
    .option('--temporal-ui-port <n>', 'port of the Temporal UI', portArgument, 8233)
    .option('--clickhouse-port <n>', 'port of ClickHouse (HTTP)', portArgument, 8123)
    .option('--redis-port <n>', 'port of Redis', portArgument, 6379)
    .option('--dashboard-port <n>', 'port of the page', portArgument, 8090)
    .option('--health-port <n>', 'port of /healthz, /readyz and /metrics', portArgument, 8092)
    .option('--collect-port <n>', 'port of the way in for trackers', portArgument, 8091)
    .addHelpText('after', '\nExample: npx sojourn up --demo --for 60s')
    .action(async (options) => {
      const { runUp } = await import('./run-up.ts');
      await runUp(options);
    });
}
