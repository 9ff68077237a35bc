/** Imports files, and says what came of it. */
import { availableParallelism, constants, getPriority, setPriority } from 'node:os';
import { FORMATS, type ImportFormat } from '../imports/formats/index.ts';
import { madeWithOf } from '../imports/made-with.ts';
import { type ImportOutcome, type ImportRequest, runImport } from '../imports/run-import.ts';
import { importSalt } from '../imports/salt.ts';
import { type ImportServers, openServers } from '../imports/servers.ts';
import { findFiles } from '../imports/sources/find-files.ts';
import { openSources } from '../imports/sources/open.ts';
import type { BadRecord } from '../imports/take-records.ts';
import { openWorkFolder } from '../imports/work-folder.ts';
import { commandLog } from '../operations/connect.ts';
import { findSource, type Source } from '../operations/read-lines.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/log.ts';
import { reasonOf } from '../platform/unreachable.ts';
import { SojournError } from '../shared/errors.ts';
import { MESSAGE_BYTES_MAX } from '../shared/limits.ts';
import { installTemporalRuntime } from '../workers/host/session-worker.ts';
import { commandConfig } from './command-config.ts';
import { onInterrupt } from './on-interrupt.ts';
import { createImportView, describeOutcome, type ImportView, totalSize } from './import-view.ts';
import { print, printJson } from './output.ts';

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
  const files = findImportFiles(names, options);
  const config = commandConfig(options, [
    'NATS_URL',
    'TEMPORAL_ADDRESS',
    'CLICKHOUSE_URL',
    'REDIS_URL',
  ]);
  const log = commandLog(config);
  giveWay(log);
  installTemporalRuntime(log);
  const stopping = new AbortController();
  const interruption = onInterrupt(() => {
    stopping.abort(
      new SojournError('SJ_TIMEOUT', 'interrupted; the same command again goes on where it was'),
    );
  });
  const view = createImportView(files.sources);
  const startedAt = performance.now();
  try {
    const servers = await openServers(config, log);
    try {
      const { signal } = stopping;
      const outcome = await importFound(files, options, { servers, config, log, signal, view });
      view.stop();
      report(outcome, performance.now() - startedAt, options);
    } finally {
      await servers.close();
    }
  } finally {
    interruption.stop();
    view.stop();
  }
}

/**
 * Lets live traffic go first, where the servers and workers are on this machine: an import takes all that is left. Linux
 * has a priority for each thread, and gives those that are started from now on that of the one that starts them.
 */
function giveWay(log: Logger): void {
  const { PRIORITY_BELOW_NORMAL } = constants.priority;
  try {
    // A user may not go up again, so one that is lower already stays.
    if (getPriority() < PRIORITY_BELOW_NORMAL) setPriority(PRIORITY_BELOW_NORMAL);
  } catch (error) {
    // Some sandboxes let nobody ask.
    log.debug({ reason: reasonOf(error) }, 'the import has the priority of everything else');
  }
}

/** What is to be imported, found and known to be readable. */
export interface ImportedFiles {
  /** As people named them. */
  readonly names: readonly string[];
  readonly paths: readonly string[];
  readonly sources: readonly Source[];
  readonly format: ImportFormat;
}

/** @throws SojournError `SJ_USAGE` where there is no such format, `SJ_NOT_FOUND` where there is no such file */
export function findImportFiles(
  names: readonly string[],
  { format }: Pick<ImportFilesOptions, 'format'>,
): ImportedFiles {
  const found = formatNamed(format);
  const paths = findFiles(names);
  return { names, paths, sources: paths.map(findSource), format: found };
}

export interface ImportAround {
  readonly servers: ImportServers;
  readonly config: Config;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly view: ImportView;
}

/** Imports what was found; whoever calls it has opened the servers. @throws as `runImport` does */
export async function importFound(
  { names, paths, sources, format }: ImportedFiles,
  options: ImportFilesOptions,
  { servers, config, log, signal, view }: ImportAround,
): Promise<ImportOutcome> {
  const folder = openWorkFolder(options.dataDir);
  const onRead = (bytes: number) => {
    view.onBytes(bytes);
  };
  const request: ImportRequest = {
    ...{ project: options.project, format: format.name, files: names, folder, signal },
    now: Date.now,
    threads: isLarge(sources) ? availableParallelism() : 0,
    replace: options.replace === true,
    keepBad: options.keepBad === true,
    open: (onBad) => openSources(paths, { ...sourceOptions(format, onBad), signal, onRead }),
    ...(format.name !== OWN_FORMAT && readersOf(format, options)),
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
  };
  try {
    return await runImport(servers, config, request, log);
  } finally {
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

function readersOf(format: ImportFormat, { dataDir, host }: ImportFilesOptions) {
  const made = { salt: importSalt(dataDir), ...(host !== undefined && { host }) };
  return {
    madeWith: madeWithOf(format, made),
    readerOf: (file: string) => format.open({ file, ...made }),
  };
}

/** To start threads takes as long as to read so much. */
const LARGE_BYTES = 1024 * 1024;

function isLarge(sources: readonly Source[]): boolean {
  return (totalSize(sources) ?? LARGE_BYTES) >= LARGE_BYTES;
}

function report(outcome: ImportOutcome, durationMs: number, { json }: ImportFilesOptions): void {
  if (json === true) printJson({ ...outcome, durationMs: Math.round(durationMs) });
  else print(describeOutcome(outcome, durationMs));
  if (outcome.state === 'taken_back') {
    throw new SojournError('SJ_NOT_FOUND', `import ${outcome.id} was taken back while it went on`);
  }
}
