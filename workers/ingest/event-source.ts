/**
 * The messages of EVENTS, for as long as this process runs, whatever happens to the consumer or the stream: made
 * anew, gone for a while, without a leader. A consumer that is gone is made again where the last one was.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConsumerMessages, jetstream, type JsMsg } from '@nats-io/jetstream';
import type { Subscription } from '@nats-io/transport-node';
import { ACK_WAIT_MS, ensureEventsConsumer } from '../../platform/events-consumer.ts';
import { isJetStreamAway } from '../../platform/jetstream-away.ts';
import type { Logger } from '../../platform/log.ts';
import { isApiError, type Nats } from '../../platform/nats.ts';
import { within } from '../../platform/within.ts';
import { SojournError, toError } from '../../shared/errors.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM } from '../../shared/ids.ts';

/**
 * What the client asks JetStream for ahead of need, and when it asks again. Not a number of bytes: then it asks
 * for 25 messages at a time, which keeps both sides busy asking. A request that got lost, with the server that had
 * it, is made again when two heartbeats did not come.
 */
const PULL = {
  max_messages: 256,
  threshold_messages: 128,
  expires: 10_000,
  idle_heartbeat: 1_500,
  abort_on_missing_resource: true,
} as const;
/**
 * Where heartbeats do not come the client asks for the consumer before it asks for messages again. After a question
 * that was in vain it waits for as long as `expires`: a leader has to be elected within this.
 */
const PATIENCE_MS = 15_000;
/** JetStream tells everybody in the account that the consumer has another leader, a moment before that one takes requests. */
const LEADER_ELECTED = `$JS.EVENT.ADVISORY.CONSUMER.LEADER_ELECTED.${EVENTS_STREAM}.${EVENTS_CONSUMER}`;
/** So long after a request that nobody took, or an election, messages are asked for again. */
const SOON_MS = 150;
/** Between two tries to get at the messages again, and between two log lines that say the same. */
const AGAIN_MS = 1_000;
const SAY_EVERY_MS = 30_000;
/** An answer that NATS owes us at the end is not waited for longer. */
const GOODBYE_MS_MAX = 2_000;
const CLOSE_MS_MAX = 50;
const STREAM_NOT_FOUND = 10059;

export interface EventSource {
  /** In the order of the consumer; ends after {@link stop}. Rejects where no message can be had any more. */
  readonly messages: AsyncIterable<JsMsg>;
  /** No more is asked for; what is on its way still comes. */
  stop(): Promise<void>;
  /** Ends at once, with this error. */
  fail(error: Error): void;
}

/** What the client does by itself when heartbeats do not come, or a connection is back. Not part of its types. */
interface Asking {
  /** Asks for the consumer, then for messages. One at a time; where there is no consumer any more it is over. */
  resetPending?(): Promise<unknown>;
  /** Asks for messages. */
  resetPendingNoInfo?(): Promise<unknown>;
}

export interface EventSourceDeps {
  readonly nats: Nats;
  readonly log: Logger;
  /** The stream is another one than before: what is known by sequences means nothing any more. */
  readonly onStreamMadeAnew: () => void;
  /** The consumer begins to count anew, or was put back to an older copy together with the stream: it is before this. */
  readonly onConsumerBack: (seq: number) => void;
}

/** @throws SojournError `SJ_MIGRATION` where there is no stream, or no consumer and nobody knows how far the last one was */
export async function openEventSource({
  nats,
  log,
  onStreamMadeAnew,
  onConsumerBack,
}: EventSourceDeps): Promise<EventSource> {
  const patient = jetstream(nats.connection, { timeout: PATIENCE_MS });
  let stream: string | undefined;
  let stopping = false;
  let failure: Error | undefined;
  let said = { sentence: '', at: 0 };
  let current = await open().catch(explainMissing);
  // What was asked of the leader before is lost with it; without this the client would wait for two heartbeats. Who
  // may not listen there waits for them.
  const elections = nats.connection.subscribe(LEADER_ELECTED, {
    callback: (error) => {
      if (error === null) askSoon(current, 'resetPendingNoInfo');
    },
  });

  async function open(): Promise<ConsumerMessages> {
    const ensured = await ensureEventsConsumer(nats);
    if (ensured.created) {
      log.warn({ from: ensured.from }, 'the consumer of events was gone, and is made again');
    }
    if (stream !== undefined && stream !== ensured.stream) {
      log.warn('the stream of events is another one than before');
      onStreamMadeAnew();
    }
    ({ stream } = ensured);
    const consumer = await patient.consumers.get(EVENTS_STREAM, EVENTS_CONSUMER);
    const opened = await consumer.consume(PULL);
    askWhereUntaken(opened).catch((error: unknown) => {
      log.error({ err: error }, 'ingest does not hear any more of requests that nobody takes');
    });
    return opened;
  }

  /** Nobody knows of a leader yet, or there is none, or no consumer: hence with the question whether it is there. */
  async function askWhereUntaken(opened: ConsumerMessages): Promise<void> {
    for await (const { type } of opened.status()) {
      if (type === 'no_responders') askSoon(opened, 'resetPending');
    }
  }

  function askSoon(opened: ConsumerMessages, how: keyof Asking): void {
    setTimeout(() => {
      if (isOver() || opened !== current) return;
      (opened as Asking)[how]?.().catch((error: unknown) => {
        log.debug({ err: error }, 'events were not asked for again');
      });
    }, SOON_MS).unref();
  }

  async function reopen(): Promise<void> {
    while (!isOver()) {
      try {
        current = await open();
        log.info('events are pulled again');
        said = { sentence: '', at: 0 };
        return;
      } catch (error) {
        say(error);
        await sleep(AGAIN_MS);
      }
    }
  }

  /** Read through a function: the compiler takes no note of what happens while something is awaited. */
  const isOver = () => stopping || failure !== undefined;

  function say(error: unknown): void {
    const sentence = sentenceFor(error);
    if (said.sentence === sentence && Date.now() - said.at < SAY_EVERY_MS) return;
    said = { sentence, at: Date.now() };
    log.error({ err: error }, sentence);
  }

  async function* messages(): AsyncGenerator<JsMsg> {
    let deliveredTo = 0;
    while (!isOver()) {
      try {
        for await (const message of current) {
          const { deliverySequence } = message.info;
          // A consumer counts what it gives. This one is another: is it that of the same stream?
          if (deliverySequence <= deliveredTo) {
            onConsumerBack(message.seq);
            break;
          }
          deliveredTo = deliverySequence;
          const givenAt = performance.now();
          yield message;
          // What else has come meanwhile is to be offered again by now, and the client has asked again and again.
          if (performance.now() - givenAt > ACK_WAIT_MS) break;
        }
      } catch (error) {
        if (!isOver()) say(error);
      }
      if (isOver()) break;
      // It may never say that it has: nobody reads what it has left.
      await within(CLOSE_MS_MAX, current.close());
      deliveredTo = 0;
      await reopen();
    }
    if (failure !== undefined) throw failure;
  }

  return {
    messages: messages(),
    async stop() {
      stopping = true;
      elections.unsubscribe();
      // Dropped, what is on its way would be offered again only after a while. (`close()` drops it; the
      // subscription that can do better is not part of the client's types.)
      const { sub } = current as unknown as { readonly sub?: Pick<Subscription, 'drain'> };
      if (sub !== undefined) await within(GOODBYE_MS_MAX, sub.drain()).catch(() => undefined);
      await current.close();
    },
    fail(error) {
      failure = error;
      elections.unsubscribe();
      current.stop(error);
    },
  };
}

function explainMissing(error: unknown): never {
  if (!isApiError(error, STREAM_NOT_FOUND)) throw error;
  throw new SojournError(
    'SJ_MIGRATION',
    `NATS has no stream ${EVENTS_STREAM}; \`npx sojourn migrate\` creates it`,
    { cause: error },
  );
}

function sentenceFor(error: unknown): string {
  if (error instanceof SojournError) return error.message;
  if (isApiError(error, STREAM_NOT_FOUND) || toError(error).message === 'stream not found') {
    return `the stream ${EVENTS_STREAM} is gone, no events are taken until \`npx sojourn migrate\` has made it again`;
  }
  if (toError(error).message === 'consumer deleted') return 'the consumer of events was deleted';
  if (isJetStreamAway(error)) return 'jetstream does not answer, no events are taken meanwhile';
  return 'events cannot be pulled, trying again';
}
