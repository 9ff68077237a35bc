/** The live summary that `sojourn up` keeps on a terminal: one line, drawn over itself. */
import { connectClickHouse, select } from '../platform/clickhouse.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/log.ts';
import type { Pipeline } from '../workers/pipeline.ts';

const EVERY_MS = 1_000;

const FIGURES = `
  SELECT countIf(state = 'open') AS open,
    countIf(toDate(started_at) = toDate(now('UTC'))) AS today,
    countIf(engaged AND toDate(started_at) = toDate(now('UTC'))) AS engaged
  FROM sojourn.sessions FINAL
  WHERE NOT excluded`;

interface Figures {
  readonly open: string;
  readonly today: string;
  readonly engaged: string;
}

/** Starts it; nothing is drawn after {@link stop} has resolved. */
export function startSummary(
  config: Config & { readonly CLICKHOUSE_URL: string },
  pipeline: Pipeline,
  log: Logger,
): { stop(): Promise<void> } {
  const client = connectClickHouse(config, 'bi');
  let stopped = false;
  let drawing = Promise.resolve();
  const timer = setInterval(() => {
    drawing = drawing.then(draw);
  }, EVERY_MS);

  async function draw(): Promise<void> {
    if (stopped) return;
    const rows = await select<Figures>(client, FIGURES).catch((error: unknown) => {
      log.debug({ err: error }, 'summary not available');
      return [];
    });
    const { open = '0', today = '0', engaged = '0' } = rows[0] ?? {};
    const rate =
      Number(today) === 0 ? '-' : `${Math.round((Number(engaged) / Number(today)) * 100)} %`;
    const events = pipeline.ingest?.figures.events ?? 0;
    const bad = pipeline.ingest?.figures.deadLetters ?? 0;
    const line = `events ${events}  dead letters ${bad}  open sessions ${open}  sessions today ${today}  engaged ${rate}`;
    process.stdout.write(`\r\u001b[2K${line}`);
  }

  return {
    async stop() {
      stopped = true;
      clearInterval(timer);
      await drawing;
      process.stdout.write('\n');
      await client.close();
    },
  };
}
