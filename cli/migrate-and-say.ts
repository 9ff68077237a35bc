/** Brings everything up to date. A terminal shows what is done now, below what the log says. */
import type { EventsFrom } from '../platform/events-from.ts';
import { createLog } from '../platform/log.ts';
import { migrateAll, type MigrateOptions } from '../platform/migrate.ts';
import { commandConfig } from './command-config.ts';
import { remark } from './output.ts';
import { whileUnderWay } from './progress.ts';

interface MigrateCommandOptions {
  readonly eventsFrom?: EventsFrom | undefined;
  readonly dataDir: string;
}

/** @throws SojournError, as `migrateAll` does */
export async function migrateAndSay({
  eventsFrom,
  ...options
}: MigrateCommandOptions): Promise<void> {
  const config = commandConfig(options, ['NATS_URL', 'TEMPORAL_ADDRESS', 'CLICKHOUSE_URL']);
  await whileUnderWay('migrating', async ({ note, aside }) => {
    const write = (lines: string) => {
      aside(() => process.stderr.write(lines));
    };
    const log = createLog({ level: config.LOG_LEVEL, write });
    await migrateAll(config, log, { eventsFrom, onStep: stepsInWords(note) });
  });
  remark('streams, search attributes and schema are up to date');
}

/** Of all parts that are under way: `NATS: streams, ClickHouse: time zones`. */
export function stepsInWords(say: (what: string) => void): NonNullable<MigrateOptions['onStep']> {
  const underWay = new Map<string, string>();
  return (part, what) => {
    if (what === undefined) underWay.delete(part);
    else underWay.set(part, what);
    say(Array.from(underWay, ([name, step]) => `${name}: ${step}`).join(', '));
  };
}
