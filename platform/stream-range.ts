/** Reading a stretch of a stream as it is, to its end. */
import type { Consumer, JetStreamClient, JsMsg } from '@nats-io/jetstream';
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

interface Ahead {
  readonly stream: string;
  readonly subject: string;
  readonly from: number;
}

const AT_A_TIME_MAX = 500;
/** For how long to wait for messages that were counted, but may have been removed meanwhile. */
const WAIT_MS = 1_000;

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
  const consumer = await js.consumers.get(stream, {
    ...(from !== undefined && { opt_start_seq: from }),
    ...(since !== undefined && {
      opt_start_time: typeof since === 'string' ? since : since.toISOString(),
    }),
    ...(subject !== undefined && { filter_subjects: subject }),
    ...(headersOnly && { headers_only: true }),
  });
  try {
    for (;;) {
      const { num_pending: pending } = await consumer.info();
      if (pending === 0) return;
      const max_messages = Math.min(pending, AT_A_TIME_MAX);
      for await (const message of await consumer.fetch({ max_messages, expires: WAIT_MS })) {
        if (message.seq > to) return;
        yield message;
        if (message.seq === to || message.info.pending === 0) return;
      }
    }
  } finally {
    await leave(consumer);
  }
}

/** Messages asked for at a time. */
const READ_AHEAD = 5_000;
/**
 * What is there comes at once. A consumer of one reading lives in one server of a cluster, and is silent for as long as
 * that one is away.
 */
const SILENT_MS = 3_000;
/** For so long others are made in its place. */
const STALLED_MS = 60_000;

/**
 * The same for a range that holds much, and whose last message is known to be there: more is asked for while what came
 * is worked on. Ends with that message, or what follows where it is gone, or early where nothing comes any more.
 * @throws what the client throws, also where the stream does not exist
 */
export async function* readAhead(
  js: JetStreamClient,
  range: Ahead & { readonly to: number },
): AsyncGenerator<JsMsg> {
  let next = range.from;
  let movedAt = Date.now();
  while (Date.now() - movedAt < STALLED_MS) {
    for await (const message of readUntilSilent(js, { ...range, from: next })) {
      yield message;
      if (message.seq >= range.to) return;
      next = message.seq + 1;
      movedAt = Date.now();
    }
  }
}

async function* readUntilSilent(
  js: JetStreamClient,
  { stream, subject, from }: Ahead,
): AsyncGenerator<JsMsg> {
  const consumer = await js.consumers.get(stream, {
    filter_subjects: subject,
    opt_start_seq: from,
  });
  const messages = await consumer.consume({ max_messages: READ_AHEAD, expires: 5_000 });
  const timer = setTimeout(() => {
    messages.stop();
  }, SILENT_MS);
  try {
    for await (const message of messages) {
      timer.refresh();
      yield message;
    }
  } finally {
    clearTimeout(timer);
    await messages.close();
    await leave(consumer);
  }
}

/** Not waited for while nobody answers: the server takes it away by itself, some minutes later. */
const LEAVE_MS_MAX = 500;

/** Takes a consumer away that was made for one reading. */
export async function leave(consumer: Pick<Consumer, 'delete'>): Promise<void> {
  await within(LEAVE_MS_MAX, consumer.delete()).catch(() => false);
}
