/** The commands of a cluster: the two kinds of process, and the schema. */
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { type EventsFrom, parseEventsFrom } from '../platform/events-from.ts';
import { dataDirOption, HEALTH_PORT, portArgument } from './options.ts';

export function workerCommand() {
  return new Command('worker')
    .description(
      'Run session and loader workflows until SIGTERM. Any number of these share the work.',
    )
    .option('--health-port <n>', HEALTH_PORT, portArgument)
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: TEMPORAL_ADDRESS=temporal:7233 … npx sojourn worker')
    .action(async (options) => {
      const { commandConfig } = await import('./command-config.ts');
      const config = commandConfig(options, [
        'NATS_URL',
        'TEMPORAL_ADDRESS',
        'CLICKHOUSE_URL',
        'REDIS_URL',
      ]);
      const { runProcess } = await import('./run-process.ts');
      await runProcess(config, { ingest: false, worker: true }, options.healthPort);
    });
}

export function ingestCommand() {
  return new Command('ingest')
    .description(
      'Bring events from NATS to their sessions until SIGTERM. Any number share the work.',
    )
    .option('--health-port <n>', HEALTH_PORT, portArgument)
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: NATS_URL=nats://nats:4222 … npx sojourn ingest')
    .action(async (options) => {
      const { commandConfig } = await import('./command-config.ts');
      const config = commandConfig(options, ['NATS_URL', 'TEMPORAL_ADDRESS']);
      const { runProcess } = await import('./run-process.ts');
      await runProcess(config, { ingest: true, worker: false }, options.healthPort);
    });
}

export function migrateCommand() {
  return new Command('migrate')
    .description(
      'Create or upgrade streams, the Temporal namespace and its search attributes, and the ClickHouse schema. Safe to run again.',
    )
    .addOption(dataDirOption())
    .addOption(
      new Option(
        '--events-from <where>',
        'where to go on in EVENTS if its consumer is gone and nobody knows how far it was: a sequence, an RFC 3339 time, new, or all',
      ).argParser(eventsFrom),
    )
    .addHelpText('after', '\nExample: npx sojourn migrate')
    .action(async (options) => {
      const { migrateAndSay } = await import('./migrate-and-say.ts');
      await migrateAndSay(options);
    });
}

function eventsFrom(text: string): EventsFrom {
  const from = parseEventsFrom(text);
  if (from === undefined) {
    throw new InvalidArgumentError(
      'It must be a sequence, an RFC 3339 time (from 1970 to 2262), new, or all.',
    );
  }
  return from;
}
