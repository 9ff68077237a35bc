/** Publishes files and says what came of it. */
import { withNats } from '../operations/connect.ts';
import { type PublishFigures, publishSources } from '../operations/publish-files.ts';
import { findSource, type Source } from '../operations/read-lines.ts';
import { commandConfig } from './command-config.ts';
import { onInterrupt } from './on-interrupt.ts';
import { formatBytes, formatCount, formatMs, print, printJson, remark } from './output.ts';
import { createProgress } from './progress.ts';

export interface PublishFilesOptions {
  readonly project: string;
  /** Messages a second. @default as fast as it goes */
  readonly rate?: number | undefined;
  readonly json?: true | undefined;
  readonly dataDir: string;
}

/** Publishes and prints counts. @throws SojournError where not everything was published */
export async function publishFiles(
  files: readonly string[],
  options: PublishFilesOptions,
): Promise<void> {
  const config = commandConfig(options, ['NATS_URL']);
  const sources = files.map(findSource);
  const { figures, failure } = await withNats(config, (nats) => publish(nats, sources, options));
  if (options.json === true) printJson(figures);
  else print(describe(figures));
  if (failure !== undefined) throw failure;
}

async function publish(
  nats: Parameters<typeof publishSources>[0],
  sources: readonly Source[],
  { project, rate }: PublishFilesOptions,
) {
  let readBytes = 0;
  let acknowledged = () => 0;
  const progress = createProgress('publishing', totalSize(sources));
  const ticker = setInterval(() => {
    progress.update(readBytes, `${formatCount(acknowledged())} acknowledged`);
  }, 200);
  const stopping = new AbortController();
  // Counts are printed all the same.
  const interruption = onInterrupt(() => {
    stopping.abort();
  });
  try {
    return await publishSources(nats, sources, {
      project,
      rate,
      signal: stopping.signal,
      onRead(bytes, figures) {
        readBytes += bytes;
        acknowledged = () => figures.acknowledged;
      },
      onRefused(where, why) {
        remark(`error: ${where}: ${why}`);
      },
      onDeadLetter(where) {
        remark(`${where}: no JSON; an event is one JSON object on one line`);
      },
    });
  } finally {
    interruption.stop();
    clearInterval(ticker);
    progress.stop();
  }
}

function totalSize(sources: readonly Source[]): number | undefined {
  const sizes = sources.flatMap(({ size }) => (size === undefined ? [] : [size]));
  return sizes.length === sources.length ? sizes.reduce((a, b) => a + b, 0) : undefined;
}

function describe({
  messages,
  acknowledged,
  failed,
  notJson,
  bytes,
  durationMs,
}: PublishFigures): string {
  const much = `${formatCount(acknowledged)} of ${formatCount(messages)} messages acknowledged`;
  const failures = failed > 0 ? `, ${formatCount(failed)} failed` : '';
  const letters = notJson > 0 ? `, ${formatCount(notJson)} of them no JSON` : '';
  return `${much} (${formatBytes(bytes)} in ${formatMs(durationMs)})${failures}${letters}`;
}
