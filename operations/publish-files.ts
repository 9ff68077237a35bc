/** NDJSON files onto the stream EVENTS: a message a line, as it stands there. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isApiError, type Nats } from '../platform/nats.ts';
import { EVENTS_STREAM } from '../shared/ids.ts';
import { SojournError, toError } from '../shared/errors.ts';
import { commandConfig } from '../cli/command-config.ts';
import { withNats } from '../cli/connect.ts';
import { eventSubject } from './event-subject.ts';
import { formatBytes, formatCount, formatMs, print, printJson, remark } from '../cli/output.ts';
import { createProgress } from '../cli/progress.ts';
import { createPublisher, headerBytes } from './publisher.ts';
import { findSource, type Line, readLines, type Source } from './read-lines.ts';

export interface PublishOptions {
  readonly project: string;
  /** Messages a second. @default as fast as it goes */
  readonly rate?: number | undefined;
  readonly json?: true | undefined;
  readonly dataDir: string;
}

/** Publishes and prints counts. @throws SojournError where not everything was published */
export async function publishFiles(
  files: readonly string[],
  options: PublishOptions,
): Promise<void> {
  const config = commandConfig(options, ['NATS_URL']);
  const sources = files.map(findSource);
  const { figures, failure } = await withNats(config, (nats) =>
    publishSources(nats, sources, options),
  );
  if (options.json === true) printJson(figures);
  else print(describe(figures));
  if (failure !== undefined) throw failure;
}

export interface PublishFigures {
  /** Lines that hold something, as far as the files were read. */
  messages: number;
  acknowledged: number;
  /** Acknowledged as copies of a message that an earlier attempt had brought. */
  duplicates: number;
  failed: number;
  /** Of acknowledged messages. */
  bytes: number;
  durationMs: number;
}

interface Published {
  readonly figures: PublishFigures;
  /** Why not everything was published. */
  readonly failure: Error | undefined;
}

async function publishSources(
  nats: Nats,
  sources: readonly Source[],
  options: Pick<PublishOptions, 'project' | 'rate'>,
): Promise<Published> {
  await assertStream(nats);
  const startedAt = performance.now();
  const run = createRun(nats, options);
  const { figures, signal, lineBytesMax } = run;
  let readBytes = 0;
  const onRead = (bytes: number) => {
    readBytes += bytes;
  };
  const progress = createProgress('publishing', totalSize(sources));
  const ticker = setInterval(() => {
    progress.update(readBytes, `${formatCount(figures.acknowledged)} acknowledged`);
  }, 200);
  const interruption = onInterrupt(() => {
    run.fail(new SojournError('SJ_TIMEOUT', 'interrupted; the rest was not published'));
  });
  try {
    for (const source of sources) {
      for await (const lines of readLines(source, { lineBytesMax, onRead, signal })) {
        for (const line of lines) await run.take(line, source);
        if (signal.aborted) break;
      }
      if (signal.aborted) break;
    }
  } catch (error) {
    run.fail(toError(error));
  } finally {
    await run.idle();
    interruption.stop();
    clearInterval(ticker);
    progress.stop();
  }
  figures.durationMs = Math.round(performance.now() - startedAt);
  return { figures, failure: run.failure };
}

/** Places of a line number in a message id: ids sort as the lines do. */
const NUMBER_DIGITS = 9;

/** One run of the command: its counts, its message ids, and its first failure, which ends it. */
function createRun(nats: Nats, { project, rate }: Pick<PublishOptions, 'project' | 'rate'>) {
  const run = randomBytes(9).toString('base64url');
  const idOf = (number: number) => `${run}-${String(number).padStart(NUMBER_DIGITS, '0')}`;
  const payloadMax = nats.connection.info?.max_payload ?? 1024 * 1024;
  const lineBytesMax = payloadMax - headerBytes({ 'Nats-Msg-Id': idOf(0) });
  const publisher = createPublisher(nats);
  const pace = rate === undefined ? undefined : createPace(rate);
  const reading = new AbortController();
  const figures: PublishFigures = {
    messages: 0,
    acknowledged: 0,
    duplicates: 0,
    failed: 0,
    bytes: 0,
    durationMs: 0,
  };
  let failure: Error | undefined;
  const fail = (error: Error) => {
    failure ??= error;
    reading.abort();
  };

  async function publish(line: Line, data: Uint8Array, source: Source): Promise<void> {
    const messageId = idOf(figures.messages);
    try {
      const subject = eventSubject(project, data);
      const ack = await publisher.publish({ subject, data, messageId });
      figures.acknowledged += 1;
      figures.bytes += data.length;
      if (ack.duplicate) figures.duplicates += 1;
    } catch (error) {
      figures.failed += 1;
      fail(toFailure(error, source, line));
    }
  }

  return {
    figures,
    lineBytesMax,
    signal: reading.signal,
    fail,
    idle: () => publisher.idle(),
    /** Why not everything was published. */
    get failure() {
      if (failure !== undefined || figures.failed === 0) return failure;
      const { failed, messages } = figures;
      return new SojournError(
        'SJ_EVENT_INVALID',
        `${formatCount(failed)} of ${formatCount(messages)} lines were not published`,
      );
    },
    /** Sends a line on its way, as soon as it may. */
    async take(line: Line, source: Source): Promise<void> {
      if (line.data === undefined) {
        figures.messages += 1;
        figures.failed += 1;
        remark(`error: ${source.name}:${line.number}: ${tooLong(line, lineBytesMax)}`);
        return;
      }
      if (!reading.signal.aborted) await pace?.();
      await publisher.room(line.data.length);
      if (reading.signal.aborted) return;
      figures.messages += 1;
      // Never rejects: a failure is counted and ends the run.
      publish(line, line.data, source).catch(() => undefined);
    },
  };
}

async function assertStream({ jsm }: Nats): Promise<void> {
  await jsm.streams.info(EVENTS_STREAM).catch((error: unknown) => {
    // A producer's user may publish and yet not ask: then the first publish tells.
    if (!isApiError(error, 10059)) return;
    throw new SojournError(
      'SJ_NOT_FOUND',
      `NATS has no stream ${EVENTS_STREAM}; \`npx sojourn migrate\` creates it`,
    );
  });
}

function totalSize(sources: readonly Source[]): number | undefined {
  const sizes = sources.flatMap(({ size }) => (size === undefined ? [] : [size]));
  return sizes.length === sources.length ? sizes.reduce((a, b) => a + b, 0) : undefined;
}

function tooLong({ bytes }: Line, lineBytesMax: number): string {
  return `the line has ${formatCount(bytes)} bytes, more than the ${formatCount(lineBytesMax)} the server takes in a message`;
}

function toFailure(error: unknown, source: Source, { number }: Line): Error {
  if (error instanceof SojournError) return error;
  const why = toError(error).message;
  return new SojournError(
    'SJ_SERVER_UNREACHABLE',
    `${source.name}:${number} was not published: ${why}`,
    { cause: error },
  );
}

/** How far a pause may be caught up afterwards. */
const CATCH_UP_MS = 100;

/** Waits so that calls return `rate` times a second. */
function createPace(rate: number): () => Promise<void> {
  let dueAt = performance.now();
  return async () => {
    const now = performance.now();
    dueAt = Math.max(dueAt, now - CATCH_UP_MS);
    // Timers are no finer than a millisecond or so: what is due within one goes out together.
    if (dueAt - now >= 1) await sleep(dueAt - now);
    dueAt += 1_000 / rate;
  };
}

/** The first Ctrl-C ends the reading, so that counts are printed; the second ends the process. */
function onInterrupt(call: () => void): { stop(): void } {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const stop = () => {
    for (const signal of signals) process.off(signal, handle);
  };
  const handle = () => {
    stop();
    call();
  };
  for (const signal of signals) process.on(signal, handle);
  return { stop };
}

function describe({ messages, acknowledged, failed, bytes, durationMs }: PublishFigures): string {
  const much = `${formatCount(acknowledged)} of ${formatCount(messages)} messages acknowledged`;
  const failures = failed > 0 ? `, ${formatCount(failed)} failed` : '';
  return `${much} (${formatBytes(bytes)} in ${formatMs(durationMs)})${failures}`;
}
