/** NDJSON files onto the stream EVENTS: a message a line, as it stands there. */
import { randomBytes } from 'node:crypto';
import { longSleep } from '../platform/long-sleep.ts';
import { isMessageRefused } from '../platform/message-refused.ts';
import { isApiError, type Nats } from '../platform/nats.ts';
import { EVENTS_STREAM } from '../shared/ids.ts';
import { SojournError, toError } from '../shared/errors.ts';
import { eventSubject } from './event-subject.ts';
import { createPublisher, headerBytes } from './publisher.ts';
import { type Line, readLines, type Source } from './read-lines.ts';

export interface PublishOptions {
  readonly project: string;
  /** Messages a second. @default as fast as it goes */
  readonly rate?: number | undefined;
  /** Ends the reading; what is under way is waited for. */
  readonly signal: AbortSignal;
  /** Told how far the files were read. */
  readonly onRead: (bytes: number, figures: Readonly<PublishFigures>) => void;
  /** Told of a line that cannot be sent. */
  readonly onRefused: (where: string, why: string) => void;
  /** Told of the first lines that are sent though they are no JSON. */
  readonly onDeadLetter: (where: string) => void;
}

export interface PublishFigures {
  /** Lines that hold something, as far as the files were read. */
  messages: number;
  acknowledged: number;
  /** Acknowledged as copies of a message that an earlier attempt had brought. */
  duplicates: number;
  failed: number;
  /** Published as they are, though they are no JSON: each becomes a dead letter. */
  notJson: number;
  /** Of acknowledged messages. */
  bytes: number;
  durationMs: number;
}

export interface Published {
  readonly figures: PublishFigures;
  /** Why not everything was published. */
  readonly failure: Error | undefined;
}

/** Publishes every line and waits for the acknowledgements. Never rejects for a line. */
export async function publishSources(
  nats: Nats,
  sources: readonly Source[],
  options: PublishOptions,
): Promise<Published> {
  await assertStream(nats);
  const startedAt = performance.now();
  const run = createRun(nats, options);
  const { figures, signal, lineBytesMax } = run;
  const onRead = (bytes: number) => {
    options.onRead(bytes, figures);
  };
  const interrupt = () => {
    run.fail(new SojournError('SJ_TIMEOUT', 'interrupted; the rest was not published'));
  };
  options.signal.addEventListener('abort', interrupt);
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
    options.signal.removeEventListener('abort', interrupt);
  }
  figures.durationMs = Math.round(performance.now() - startedAt);
  return { figures, failure: run.failure };
}

/** Places of a line number in a message id: ids sort as the lines do. */
const NUMBER_DIGITS = 9;

/** One run of the command: its counts, its message ids, and its first failure, which ends it. */
function createRun(nats: Nats, { project, rate, onRefused, onDeadLetter }: PublishOptions) {
  const run = randomBytes(9).toString('base64url');
  const idOf = (number: number) => `${run}-${String(number).padStart(NUMBER_DIGITS, '0')}`;
  const payloadMax = nats.connection.info?.max_payload ?? 1024 * 1024;
  const lineBytesMax = payloadMax - headerBytes({ 'Nats-Msg-Id': idOf(0) });
  const publisher = createPublisher(nats);
  const reading = new AbortController();
  const pace = rate === undefined ? undefined : createPace(rate, reading.signal);
  const figures: PublishFigures = {
    messages: 0,
    acknowledged: 0,
    duplicates: 0,
    failed: 0,
    notJson: 0,
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
    const where = `${source.name}:${line.number}`;
    try {
      const subject = eventSubject(project, data);
      const ack = await publisher.publish({ subject, data, messageId });
      figures.acknowledged += 1;
      figures.bytes += data.length;
      if (ack.duplicate) figures.duplicates += 1;
      if (!isJson(data)) {
        figures.notJson += 1;
        if (figures.notJson <= REMARKS_MAX) onDeadLetter(where);
      }
    } catch (error) {
      figures.failed += 1;
      if (isMessageRefused(error)) {
        // The server takes it, the stream does not: others are sent all the same.
        onRefused(where, tooLong(line, 'the stream EVENTS takes in a message'));
      } else fail(toFailure(error, source, line));
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
      const { failed, messages, notJson } = figures;
      if (failure !== undefined) return failure;
      if (failed === 0 && notJson > 0) {
        return new SojournError(
          'SJ_EVENT_INVALID',
          `${grouped(notJson)} of ${grouped(messages)} lines are no JSON: they were sent as they are and become dead letters`,
        );
      }
      if (failed === 0) return undefined;
      return new SojournError(
        'SJ_EVENT_INVALID',
        `${grouped(failed)} of ${grouped(messages)} lines were not published`,
      );
    },
    /** Sends a line on its way, as soon as it may. */
    async take(line: Line, source: Source): Promise<void> {
      if (line.data === undefined) {
        figures.messages += 1;
        figures.failed += 1;
        onRefused(
          `${source.name}:${line.number}`,
          tooLong(line, `the ${grouped(lineBytesMax)} the server takes in a message`),
        );
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

function tooLong({ bytes }: Line, most: string): string {
  return `the line has ${grouped(bytes)} bytes, more than ${most}`;
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

/** Waits so that calls return `rate` times a second, and at once where the signal ends it. */
function createPace(rate: number, signal: AbortSignal): () => Promise<void> {
  let dueAt = performance.now();
  return async () => {
    const now = performance.now();
    dueAt = Math.max(dueAt, now - CATCH_UP_MS);
    // Timers are no finer than a millisecond or so: what is due within one goes out together.
    if (dueAt - now >= 1) await longSleep(dueAt - now, { signal }).catch(() => undefined);
    dueAt += 1_000 / rate;
  };
}

/** More lines of the same kind tell nothing more. */
const REMARKS_MAX = 5;

/** As ingest reads a message: JSON in UTF-8. */
function isJson(data: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
    return true;
  } catch {
    return false;
  }
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
