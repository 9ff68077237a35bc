/**
 * The first half of an import: its files read, every record taken by the border, and the events sorted into sessions, on
 * disk. Nothing is written to any server. What comes out is the same whatever the order of the records.
 */
import { join } from 'node:path';
import { forgottenIn } from '../platform/forgotten-bucket.ts';
import type { ForgottenList } from '../shared/forgotten.ts';
import type { ProjectSettings } from '../shared/project.ts';
import { createEventSet, importIdOf } from './event-set.ts';
import type { LineRecord } from './packed-lines.ts';
import { mergeRuns, type SessionBytes } from './run-file.ts';
import { sortSpill } from './spill.ts';
import { startTaking, type TakingThreads } from './take-in-threads.ts';
import { createTakePart, type Taken, type TakenPart } from './take-part.ts';
import { type BadRecord, bytesOf } from './take-records.ts';
import type { FileReader, Record_ } from './formats/format.ts';
import type { Wait } from './wait.ts';

/** Records of files, in batches. */
export type Sources = AsyncIterable<{
  readonly file: string;
  readonly records: readonly Record_[];
}>;

export interface ReadRequest {
  readonly project: string;
  readonly format: string;
  /** Opens what is to be read, from the beginning. */
  readonly open: () => Sources;
  /** How a file's records are read; undefined for our own events. */
  readonly readerOf?: (file: string) => FileReader;
  readonly settings: ProjectSettings;
  /** When the import began, epoch milliseconds. */
  readonly receivedAt: number;
  /** Events from then on are kept as they are, too. Epoch milliseconds. */
  readonly liveFrom: number;
  /** People of whom nothing is taken. */
  readonly forgotten?: ForgottenList;
  /** See `TakeOptions`. */
  readonly heartbeatsBegin?: boolean;
  /** Visitors' events that lie further apart are of different sessions, milliseconds. */
  readonly visitIdleMs: number;
  /** So many threads share the work; 0: it is done by this one. */
  readonly threads: number;
  /** Where spilled events lie. */
  readonly folder: string;
  readonly onBad: (bad: BadRecord) => void;
  readonly onProgress: (progress: ReadProgress) => void;
  readonly signal: AbortSignal;
  readonly wait: Wait;
}

export interface ReadProgress {
  readonly phase: 'reading' | 'sorting';
  readonly events: number;
  readonly bad: number;
  /** Of what is to be sorted; 0 while it is read. */
  readonly share: number;
}

export interface ReadFiles {
  /** See `importIdOf`. */
  readonly id: string;
  readonly records: number;
  /** Of all sessions: what begins no visit, and comes when none is up, is in none. */
  readonly events: number;
  /** The greatest time of an event, epoch milliseconds; 0 where there is none. */
  readonly latestAt: number;
  readonly sessionCount: number;
  /** By the time of their first events, as often as they are wanted. */
  readonly sessions: () => Iterable<SessionBytes>;
}

/** @throws SojournError `SJ_NOT_FOUND` where a file cannot be read; the reason of the signal */
export async function readFiles(request: ReadRequest): Promise<ReadFiles> {
  const { signal } = request;
  const reading = openReading(request);
  try {
    return await readAll(request, reading);
  } catch (error) {
    // What is broken off fails in many ways.
    signal.throwIfAborted();
    throw error;
  } finally {
    await reading.close();
  }
}

async function readAll(request: ReadRequest, reading: Reading): Promise<ReadFiles> {
  const { project, format, folder, visitIdleMs, onProgress, signal } = request;
  const { parts, events, bad } = await spillAll(request, reading);
  const spilled = parts.flatMap((part) => part.spilled);
  const set = createEventSet();
  for (const { sums } of parts) set.addAll(sums);
  const total = Math.max(
    1,
    spilled.reduce((bytes, file) => bytes + file.bytes, 0),
  );
  let sorted = 0;
  let sessionCount = 0;
  let sessionEvents = 0;
  const runs = await reading.sort(join(folder, 'runs'), spilled, {
    idleMs: visitIdleMs,
    onSorted(bytes, sessions, eventsOfThem) {
      signal.throwIfAborted();
      sessionCount += sessions;
      sessionEvents += eventsOfThem;
      sorted += bytes;
      onProgress({ phase: 'sorting', events, bad, share: sorted / total });
    },
  });
  return {
    id: importIdOf({ project, format }, set.sums),
    records: set.sums.count,
    events: sessionEvents,
    latestAt: Math.max(0, ...parts.map(({ latestAt }) => latestAt)),
    sessionCount,
    sessions: () => remembered(mergeRuns(runs), request),
  };
}

/** Sessions that got their names here, of records that have none, may have been forgotten under these. */
function* remembered(
  sessions: Iterable<SessionBytes>,
  { project, forgotten: list }: Pick<ReadRequest, 'project' | 'forgotten'>,
): Generator<SessionBytes> {
  const forgotten = forgottenIn(list);
  for (const session of sessions) {
    if (!forgotten.isSessionForgotten(project, session.sessionId, session.lastAt)) yield session;
  }
}

interface Spilled {
  readonly parts: readonly TakenPart[];
  readonly events: number;
  readonly bad: number;
}

/** Who reads and sorts: this thread, or several. */
interface Reading {
  /** @param onTaken told of each batch */
  take(onTaken: (taken: Taken) => void): Promise<readonly TakenPart[]>;
  readonly sort: TakingThreads['sort'];
  close(): Promise<void>;
}

function openReading(request: ReadRequest): Reading {
  const { readerOf, threads } = request;
  if (readerOf === undefined && threads > 0) return readInThreads(request);
  return {
    take: async (onTaken) => [await takeHere(request, onTaken)],
    sort: sortSpill,
    close: () => Promise.resolve(),
  };
}

async function spillAll(request: ReadRequest, reading: Reading): Promise<Spilled> {
  const { onBad, onProgress } = request;
  let events = 0;
  let bad = 0;
  const onTaken = (taken: Taken) => {
    events += taken.events;
    bad += taken.bad.length;
    for (const record of taken.bad) onBad(record);
    onProgress({ phase: 'reading', events, bad, share: 0 });
  };
  return { parts: await reading.take(onTaken), events, bad };
}

async function takeHere(request: ReadRequest, onTaken: (taken: Taken) => void): Promise<TakenPart> {
  const { open, readerOf, folder, signal } = request;
  const part = createTakePart({ ...request, folder: join(folder, 'spill') });
  let current: { readonly file: string; readonly reader: FileReader; line: number } | undefined;
  const endFile = () => {
    if (current !== undefined) onTaken(part.endFile(current.file, current.line, current.reader));
    current = undefined;
  };
  for await (const { file, records } of open()) {
    signal.throwIfAborted();
    if (current?.file !== file) {
      endFile();
      if (readerOf !== undefined) current = { file, reader: readerOf(file), line: 0 };
    }
    onTaken(part.take(file, records, current?.reader));
    if (current !== undefined) current.line = records.at(-1)?.line ?? current.line;
  }
  endFile();
  return part.end();
}

function readInThreads(request: ReadRequest): Reading {
  const { project, settings, receivedAt, liveFrom, folder, threads, open, signal } = request;
  const { forgotten } = request;
  const options = {
    ...{ project, settings, receivedAt, liveFrom, folder: join(folder, 'spill') },
    ...(forgotten !== undefined && { forgotten }),
  };
  let told: (taken: Taken) => void = () => undefined;
  const taking = startTaking(
    threads,
    options,
    (taken) => {
      told(taken);
    },
    request.wait,
  );
  return {
    async take(onTaken) {
      told = onTaken;
      for await (const { file, records } of open()) {
        signal.throwIfAborted();
        for (const some of asLines(records)) await taking.take(file, some);
      }
      return taking.end();
    },
    sort: (folder, spilled, how) => taking.sort(folder, spilled, how),
    close: () => taking.stop(),
  };
}

/** As much as a batch of lines has, so that what threads have before them is little of a row group, which may be large. */
const SOME_BYTES = 256 * 1024;

/** Records as bytes, rows of Parquet too: between threads only bytes can be handed over and not copied. */
function* asLines(records: readonly Record_[]): Generator<readonly LineRecord[]> {
  let some: LineRecord[] = [];
  let bytes = 0;
  for (const { line, data } of records) {
    const own = bytesOf(data);
    some.push({ line, data: own });
    bytes += own.length;
    if (bytes < SOME_BYTES) continue;
    yield some;
    some = [];
    bytes = 0;
  }
  if (some.length > 0) yield some;
}
