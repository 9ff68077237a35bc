/** Reading a stretch of a stream as it is, to its end. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, ConsumerMessages, JetStreamClient, JsMsg } from '@nats-io/jetstream';
import { NATS_TIME_END } from '../shared/limits.ts';
import { within } from './within.ts';

export interface StreamRange {
  readonly stream: string;
  /** Only messages of this subject, which may have wildcards. */
  readonly subject?: string | undefined;
  /** First and last sequence; from the beginning where the first is missing. */
  readonly from?: number;
  /** Instead of a first sequence: what was stored since; as a text also to the nanosecond. */
  readonly since?: Date | string;
  readonly to: number;
  readonly headersOnly?: true;
}

const AT_A_TIME_MAX = 500;
/** For how long to wait for messages that were counted, but may have been removed meanwhile. */
const WAIT_MS = 1_000;
/** Messages asked for at a time where much is read. */
const READ_AHEAD = 5_000;
/**
 * What is there comes at once. A consumer of one reading lives in one server of a cluster: where that dies, the client
 * waits for as long as it is away. Then another one is made.
 */
const SILENT_MS = 3_000;
/** The same where the messages are known to be there, and nothing was silent before. */
const SILENT_FIRST_MS = 1_000;
/** Before another consumer is made where nothing came of one. */
const AGAIN_MS = 100;
/** For so long, where nothing comes of others either. */
const STALLED_MS = 60_000;

/**
 * The messages of a range in order, through a consumer of its own that changes nothing. Ends also where others
 * remove messages while they are being read: it never waits for one that is still to be published.
 * @throws what the client throws, also where the stream does not exist
 */
export async function* readRange(
  js: JetStreamClient,
  { stream, subject, from, since, to, headersOnly }: StreamRange,
): AsyncGenerator<JsMsg> {
  if (from !== undefined && from > to) return;
  const sinceAt = since === undefined ? 0 : new Date(since).getTime();
  if (sinceAt >= NATS_TIME_END) return;
  const start = since !== undefined && {
    opt_start_time:
      typeof since === 'string' ? since : new Date(Math.max(0, sinceAt)).toISOString(),
  };
  let next = from;
  let movedAt = Date.now();
  while (Date.now() - movedAt < STALLED_MS) {
    const consumer = await js.consumers.get(stream, {
      ...(next === undefined ? start : { opt_start_seq: next }),
      ...(subject !== undefined && { filter_subjects: subject }),
      ...(headersOnly && { headers_only: true }),
    });
    let isNew = true;
    let isWhole = true;
    try {
      while (isWhole) {
        const { num_pending: pending } = await consumer.info();
        // Of one that was asked before it may be that what it sent was lost with a connection.
        if (pending === 0 && isNew) return;
        isNew = false;
        const max_messages = Math.min(pending, AT_A_TIME_MAX);
        let came = 0;
        if (max_messages > 0) {
          const messages = await consumer.fetch({ max_messages, expires: WAIT_MS });
          for await (const message of untilSilent(messages)) {
            if (message.seq > to) return;
            yield message;
            if (message.seq === to || message.info.pending === 0) return;
            next = message.seq + 1;
            movedAt = Date.now();
            came += 1;
          }
        }
        isWhole = came > 0 && came === max_messages;
      }
    } finally {
      await leave(consumer);
    }
  }
  throw new Error(`${stream} has more to read, and nothing comes`);
}

/**
 * The same for a range that holds much, and whose last message is known to be there: more is asked for while what came
 * is worked on. Ends with that message, or what follows where it is gone, or early where nothing comes any more.
 * @throws what the client throws, also where the stream does not exist
 */
export async function* readAhead(
  js: JetStreamClient,
  {
    stream,
    subject,
    from,
    to,
  }: Required<Pick<StreamRange, 'stream' | 'from' | 'to'>> & {
    readonly subject: string;
  },
): AsyncGenerator<JsMsg> {
  let next = from;
  let movedAt = Date.now();
  let silentMs = SILENT_FIRST_MS;
  while (Date.now() - movedAt < STALLED_MS) {
    const began = next;
    const consumer = await js.consumers.get(stream, {
      filter_subjects: subject,
      opt_start_seq: next,
    });
    try {
      const messages = await consumer.consume({ max_messages: READ_AHEAD, expires: 5_000 });
      stopWhereUntaken(messages).catch(() => {
        messages.stop();
      });
      for await (const message of untilSilent(messages, silentMs)) {
        yield message;
        if (message.seq >= to) return;
        next = message.seq + 1;
        movedAt = Date.now();
      }
    } finally {
      await leave(consumer);
    }
    // A server that is only slow must not be asked anew for ever.
    silentMs = next === began ? SILENT_MS : SILENT_FIRST_MS;
    if (next === began) await sleep(AGAIN_MS);
  }
}

/**
 * In a cluster the server that is asked may not know yet where a new consumer is: it says that nobody takes the request, and
 * the client waits.
 */
async function stopWhereUntaken(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) {
    if (type === 'no_responders') messages.stop();
  }
}

async function* untilSilent(
  messages: ConsumerMessages,
  silentMs = SILENT_MS,
): AsyncGenerator<JsMsg> {
  const iterator: AsyncIterator<JsMsg, unknown> = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = setTimeout(() => {
        messages.stop();
      }, silentMs);
      const next = await iterator.next().finally(() => {
        clearTimeout(timer);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // Ends what it asks for; `close` waits for somebody who reads on.
    await iterator.return?.();
  }
}

/** Not waited for while nobody answers: the server takes it away by itself, some minutes later. */
const LEAVE_MS_MAX = 500;

/** Takes a consumer away that was made for one reading. */
export async function leave(consumer: Pick<Consumer, 'delete'>): Promise<void> {
  await within(LEAVE_MS_MAX, consumer.delete()).catch(() => false);
}
