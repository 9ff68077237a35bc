/** Imports files, and says what came of it. */
import { availableParallelism } from 'node:os';
import { FORMATS, type ImportFormat } from '../imports/formats/index.ts';
import type { ReadProgress } from '../imports/read-files.ts';
import { type ImportOutcome, runImport } from '../imports/run-import.ts';
import { importSalt } from '../imports/salt.ts';
import { openServers } from '../imports/servers.ts';
import { findFiles } from '../imports/sources/find-files.ts';
import { openSources } from '../imports/sources/open.ts';
import type { BadRecord } from '../imports/take-records.ts';
import { openWorkFolder } from '../imports/work-folder.ts';
import { commandLog } from '../operations/connect.ts';
import { findSource, type Source } from '../operations/read-lines.ts';
import { SojournError } from '../shared/errors.ts';
import { MESSAGE_BYTES_MAX } from '../shared/limits.ts';
import type { ImportPlan } from '../shared/import-plan.ts';
import { installTemporalRuntime } from '../workers/host/session-worker.ts';
import { commandConfig } from './command-config.ts';
import { onInterrupt } from './on-interrupt.ts';
import { formatCount, formatMs, print, printJson } from './output.ts';
import { createProgress, type Progress } from './progress.ts';

export interface ImportFilesOptions {
  readonly project: string;
  readonly format: string;
  readonly host?: string | undefined;
  readonly replace?: true | undefined;
  readonly keepBad?: true | undefined;
  readonly json?: true | undefined;
  readonly dataDir: string;
}

const OWN_FORMAT = 'sojourn';

/** @throws SojournError where not everything was imported */
export async function importFiles(
  names: readonly string[],
  options: ImportFilesOptions,
): Promise<void> {
  const { project, format: name } = options;
  const format = formatNamed(name);
  const config = commandConfig(options, [
    'NATS_URL',
    'TEMPORAL_ADDRESS',
    'CLICKHOUSE_URL',
    'REDIS_URL',
  ]);
  const files = findFiles(names);
  const sources = files.map(findSource);
  const log = commandLog(config);
  installTemporalRuntime(log);
  const stopping = new AbortController();
  const interruption = onInterrupt(() => {
    stopping.abort(
      new SojournError('SJ_TIMEOUT', 'interrupted; the same command again goes on where it was'),
    );
  });
  const folder = openWorkFolder(options.dataDir);
  const view = createView(sources);
  const startedAt = performance.now();
  try {
    const servers = await openServers(config, log);
    try {
      const outcome = await runImport(
        servers,
        config,
        {
          ...{
            project,
            format: name,
            files: names,
            folder,
            signal: stopping.signal,
            now: Date.now,
          },
          threads: isLarge(sources) ? availableParallelism() : 0,
          replace: options.replace === true,
          keepBad: options.keepBad === true,
          open: (onBad) =>
            openSources(files, {
              ...sourceOptions(format, onBad),
              signal: stopping.signal,
              onRead: (bytes) => {
                view.onBytes(bytes);
              },
            }),
          ...(name !== OWN_FORMAT && { readerOf: readerOf(format, options) }),
          onRead: (progress) => {
            view.onRead(progress);
          },
          onPlanned: (plan) => {
            view.onPlanned(plan);
          },
          onLoaded: (loaded) => {
            view.onLoaded(loaded);
          },
          onTakenBack: () => undefined,
        },
        log,
      );
      view.stop();
      report(outcome, performance.now() - startedAt, options);
    } finally {
      await servers.close();
    }
  } finally {
    interruption.stop();
    view.stop();
    folder.remove();
  }
}

/** @throws SojournError `SJ_USAGE` where there is none, or none that is taken */
function formatNamed(name: string): ImportFormat {
  const format = FORMATS.find((one) => one.name === name);
  if (format?.refused !== undefined) throw new SojournError('SJ_USAGE', format.refused);
  if (format !== undefined) return format;
  const known = FORMATS.map((one) => one.name).join(', ');
  throw new SojournError('SJ_USAGE', `there is no format ${name}; there are: ${known}`);
}

function sourceOptions({ columns }: ImportFormat, onBad: (bad: BadRecord) => void) {
  return {
    lineBytesMax: MESSAGE_BYTES_MAX,
    ...(columns !== undefined && { columns }),
    onTooLong: ({ file, line }: { readonly file: string; readonly line: number }) => {
      const reason = 'message must be at most 1 MiB';
      onBad({ file, line, reason, data: new Uint8Array(), eventId: '' });
    },
  };
}

function readerOf(format: ImportFormat, { dataDir, host }: ImportFilesOptions) {
  const salt = importSalt(dataDir);
  return (file: string) => format.open({ file, salt, ...(host !== undefined && { host }) });
}

/** Bars, one after the other: of the bytes that are read, then of what is sorted, then of the events that are loaded. */
function createView(sources: readonly Source[]) {
  let progress: Progress = createProgress('reading', totalSize(sources));
  let phase = 'reading';
  let readBytes = 0;
  let loaded = 0;
  let total = 0;
  let loadingSince = 0;
  const next = (name: string, of: number) => {
    if (phase === name) return;
    progress.stop();
    phase = name;
    progress = createProgress(name, of);
  };
  return {
    onBytes(bytes: number) {
      readBytes += bytes;
    },
    onRead({ phase: now, events, bad, share }: ReadProgress) {
      const badNote = bad > 0 ? `, ${formatCount(bad)} bad` : '';
      if (now === 'reading') progress.update(readBytes, `${formatCount(events)} events${badNote}`);
      else {
        next('sorting', 1);
        progress.update(share, `${formatCount(events)} events${badNote}`);
      }
    },
    onPlanned({ events }: ImportPlan) {
      total = events;
      loadingSince = performance.now();
      next('loading', Math.max(1, total));
    },
    onLoaded({ events }: { readonly events: number }) {
      loaded += events;
      const rate = (loaded / (performance.now() - loadingSince)) * 1_000;
      const left = rate > 0 ? `, ${formatMs(((total - loaded) / rate) * 1_000)} left` : '';
      progress.update(
        loaded,
        `${formatCount(loaded)} events, ${formatCount(Math.round(rate))}/s${left}`,
      );
    },
    stop() {
      progress.stop();
    },
  };
}

/** To start threads takes as long as to read so much. */
const LARGE_BYTES = 1024 * 1024;

function isLarge(sources: readonly Source[]): boolean {
  return (totalSize(sources) ?? LARGE_BYTES) >= LARGE_BYTES;
}

function totalSize(sources: readonly Source[]): number | undefined {
  const sizes = sources.flatMap(({ size }) => (size === undefined ? [] : [size]));
  return sizes.length === sources.length ? sizes.reduce((a, b) => a + b, 0) : undefined;
}

function report(outcome: ImportOutcome, durationMs: number, { json }: ImportFilesOptions): void {
  if (json === true) printJson({ ...outcome, durationMs: Math.round(durationMs) });
  else print(describe(outcome, durationMs));
  if (outcome.state === 'taken back') {
    throw new SojournError('SJ_NOT_FOUND', `import ${outcome.id} was taken back while it went on`);
  }
}

function describe(outcome: ImportOutcome, durationMs: number): string {
  const { id, state, records, badRecords, events, sessions, loaded, replaced, left, live } =
    outcome;
  const lines = [
    `import ${id}: ${state}`,
    `${formatCount(events)} events of ${formatCount(records)} records, ${formatCount(sessions)} sessions, in ${formatMs(durationMs)}`,
    `${formatCount(loaded)} sessions loaded`,
  ];
  if (replaced > 0) lines.push(`${formatCount(replaced)} of them in the place of others`);
  if (left > 0)
    lines.push(`${formatCount(left)} sessions were there already, and are left as they were`);
  if (live > 0)
    lines.push(`${formatCount(live)} sessions may still get events, and were published`);
  if (badRecords > 0) {
    const where = outcome.badReport === undefined ? '' : `: ${outcome.badReport}`;
    lines.push(`${formatCount(badRecords)} records broke a rule, and are left out${where}`);
  }
  return lines.join('\n');
}
