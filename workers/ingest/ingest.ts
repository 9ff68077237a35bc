/**
 * From JetStream to sessions: pull, parse, gather, deliver, acknowledge. A message is acknowledged
 * when Temporal has accepted every event in it and DEADLETTERS keeps whatever was bad.
 *
 *   pull ─▶ parse ─▶ gather ─▶ deliver ─▶ ack
 *             └────▶ dead letter ──────────┘
 */
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { Subscription } from '@nats-io/transport-node';
import type { Logger } from '../../platform/log.ts';
import { ACK_WAIT_MS, type Nats, placesSince } from '../../platform/nats.ts';
import { isServerAway } from '../../platform/temporal.ts';
import { within } from '../../platform/within.ts';
import { toError } from '../../shared/errors.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM, sessionWorkflowId } from '../../shared/ids.ts';
import { createDeadLetters } from './dead-letters.ts';
import { createGather, type Delivery, type HeldMessage } from './gather.ts';
import type { Outcome } from './deliver.ts';
import { createPace } from './pace.ts';
import type { SessionWorker } from '../host/session-worker.ts';
import { type DeadLetter, parseMessage, type RawMessage } from './parse-event.ts';
import { rawMessageOf } from './raw-message.ts';

export interface IngestDeps {
  readonly nats: Nats;
  readonly deliver: (delivery: Delivery, ackFloor: number) => Promise<Outcome>;
  readonly log: Logger;
  readonly now: () => number;
  /** The worker of this process, where there is one. */
  readonly worker?: Pick<SessionWorker, 'load' | 'untaken'>;
}

export interface Ingest {
  /** What went through so far. */
  readonly figures: Readonly<IngestFigures>;
  /** Rejects when pulling cannot go on; resolves after {@link stop}. */
  readonly finished: Promise<void>;
  /** Stops pulling, delivers what is held, gives the rest back to JetStream. */
  stop(): Promise<void>;
}

export type IngestFigures = Record<'messages' | 'events' | 'deadLetters' | Outcome, number>;

/**
 * A message held for this long is still being worked on, says ingest, and again each time that this has
 * gone by: well within the time that JetStream waits, looked after in steps of half of it.
 */
const STILL_WORKING_MS = ACK_WAIT_MS / 3;
/** While events flow: a hot session may forget event ids only as fast as it learns the floor. */
const ACK_FLOOR_EVERY_MS = 500;
/** Acknowledgements go out together: each write to a socket costs both sides more than ten of them do. */
const ACK_EVERY_MS = 50;
const BACKOFF_MS = { first: 200, max: 5_000 } as const;
/** From the stop on, until what is not delivered is given back. */
const DRAIN_MS_MAX = 8_000;
/** An answer that NATS owes us at the end is not waited for longer. */
const GOODBYE_MS_MAX = 2_000;
/**
 * What the client asks JetStream for ahead of need, and when it asks again. Not a number of bytes: then it asks
 * for 25 messages at a time, which keeps both sides busy asking.
 */
const PULL = { max_messages: 256, threshold_messages: 128, expires: 10_000 } as const;
/** What may have changed in the stream's settings is looked up again after this. */
const PLACES_EVERY_MS = 60_000;

/** What JetStream is told of a message, at its reply subject: done, still worked on, offer it again now or later. */
const ACK = Buffer.from('+ACK');
const WORKING = Buffer.from('+WPI');
const NAK = Buffer.from('-NAK');
const NAK_FOR_LATER = Buffer.from(`-NAK ${JSON.stringify({ delay: 30_000 * 1e6 })}`);

/** Part of the client, not of its types. */
function replyOf(message: JsMsg): string {
  return (message as JsMsg & { readonly reply: string }).reply;
}

interface Held extends HeldMessage {
  /** Where JetStream waits to hear of it. The message itself would keep the buffer alive that it came in. */
  reply: string;
  /** When JetStream last heard of it, epoch milliseconds. */
  heardOfAt: number;
  /** A dead letter of it is not kept: it is to come again. */
  isUnkept: boolean;
}

/** Starts ingest. @throws where the stream or its consumer do not exist (run `migrate`) */
export async function startIngest({
  nats,
  deliver,
  log,
  now,
  worker,
}: IngestDeps): Promise<Ingest> {
  const gather = createGather();
  const pace = createPace(worker && (() => worker.load + worker.untaken.count(now())));
  const letters = createDeadLetters({ js: nats.js, log, now });
  const held = new Map<number, Held>();
  /** Failed tries of sessions that did not take their events yet. */
  const attemptsOf = new Map<string, number>();
  const figures: IngestFigures = {
    messages: 0,
    events: 0,
    deadLetters: 0,
    started: 0,
    signalled: 0,
    reopened: 0,
    known: 0,
  };
  let ackFloor = 0;
  let underWay = 0;
  let failures = 0;
  let pausedUntil = 0;
  let stopping = false;
  /** What was not settled by then is somebody else's: it was given back. */
  let over = false;
  let pumpTimer: NodeJS.Timeout | undefined;
  let pumpsSoon = false;
  let ackTimer: NodeJS.Timeout | undefined;
  let settled: string[] = [];
  let wakeUp = () => {};

  const consumer = await nats.js.consumers.get(EVENTS_STREAM, EVENTS_CONSUMER);
  let places = await placesSince(nats);
  const messages = await consumer.consume(PULL);

  const keepHeld = setInterval(() => {
    const at = now();
    for (const entry of held.values()) {
      if (at - entry.heardOfAt < STILL_WORKING_MS) continue;
      nats.connection.publish(entry.reply, WORKING);
      entry.heardOfAt = at;
    }
  }, STILL_WORKING_MS / 2);
  const followPlaces = setInterval(() => {
    placesSince(nats).then(
      (since) => {
        places = since;
      },
      (error: unknown) => {
        log.debug({ err: error }, 'settings of the stream not known for now');
      },
    );
  }, PLACES_EVERY_MS);
  let floorAt = 0;
  const followFloor = setInterval(() => {
    if (figures.messages === floorAt) return;
    floorAt = figures.messages;
    nats.jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER).then(
      (info) => {
        ackFloor = info.ack_floor.stream_seq;
      },
      (error: unknown) => {
        log.debug({ err: error }, 'ack floor not known for now');
      },
    );
  }, ACK_FLOOR_EVERY_MS);

  function settlePart(message: HeldMessage): void {
    message.open -= 1;
    if (message.open > 0) return;
    const { seq } = message;
    const entry = held.get(seq);
    held.delete(seq);
    if (entry?.isUnkept === true) nats.connection.publish(entry.reply, NAK_FOR_LATER);
    else if (entry !== undefined) settled.push(entry.reply);
    if (!over) ackTimer ??= setTimeout(acknowledge, ACK_EVERY_MS);
    wakeUp();
  }

  function acknowledge(): void {
    clearTimeout(ackTimer);
    ackTimer = undefined;
    for (const reply of settled) nats.connection.publish(reply, ACK);
    settled = [];
  }

  /** Sends what is due, as far as places are free, and comes back when more will be. */
  function pump(): void {
    clearTimeout(pumpTimer);
    if (over) return;
    const at = now();
    if (at >= pausedUntil) {
      while (pace.mayGo(underWay, at)) {
        const delivery = gather.take(at);
        if (delivery === undefined) break;
        underWay += 1;
        send(delivery).catch((error: unknown) => {
          log.fatal({ err: error }, 'ingest is broken');
          messages.stop(toError(error));
        });
      }
    }
    const next = Math.max(gather.dueAt(), pausedUntil, pace.askAgainAt(underWay, at));
    if (next < Infinity) pumpTimer = setTimeout(pump, next - now());
  }

  /** Once for all messages that came in one piece. */
  function pumpSoon(): void {
    if (pumpsSoon) return;
    pumpsSoon = true;
    setImmediate(() => {
      pumpsSoon = false;
      pump();
    });
  }

  async function send(delivery: Delivery): Promise<void> {
    const workflowId = sessionWorkflowId(delivery.project, delivery.sessionId);
    const takenBefore = worker?.untaken.takenBy(workflowId);
    try {
      const outcome = await deliver(delivery, ackFloor);
      figures[outcome] += 1;
      if (outcome === 'signalled') worker?.untaken.sent(workflowId, takenBefore, now());
      if (failures > 0) log.info({ failures }, 'temporal takes events again');
      failures = 0;
      attemptsOf.delete(workflowId);
      gather.done(delivery);
      for (const message of delivery.messages) settlePart(message);
    } catch (error) {
      retryLater(delivery, error);
    } finally {
      underWay -= 1;
      pump();
    }
  }

  /**
   * Puts a delivery back after a while; its session waits, the others go on. Where the server itself
   * is away everything pauses: one log line a pause, and no storm of requests when it comes back.
   */
  function retryLater(delivery: Delivery, error: unknown): void {
    const key = sessionWorkflowId(delivery.project, delivery.sessionId);
    const attempts = (attemptsOf.get(key) ?? 0) + 1;
    attemptsOf.set(key, attempts);
    const waitMs = Math.min(BACKOFF_MS.first * 2 ** (attempts - 1), BACKOFF_MS.max);
    if (!isServerAway(error)) {
      const { project, sessionId } = delivery;
      log.error(
        { err: error, project, sessionId, attempts, waitMs },
        'session did not take events, trying again',
      );
    } else if (now() >= pausedUntil) {
      failures += 1;
      pausedUntil = now() + waitMs;
      log.warn({ err: error, failures, waitMs }, 'temporal did not take events, trying again');
    }
    setTimeout(() => {
      gather.putBack(delivery);
      pump();
    }, waitMs);
  }

  function take(message: JsMsg): void {
    const { seq } = message;
    const before = held.get(seq);
    if (before !== undefined) {
      // Offered again while we hold it: the newer delivery is the one to acknowledge.
      before.reply = replyOf(message);
      before.heardOfAt = now();
      return;
    }
    const raw = rawMessageOf(receivedOf(message), places);
    const { project, events, deadLetters } = parseMessage(raw);
    // Its events are taken now; the letters are tried when it comes again.
    const isPutOff = deadLetters.length > 0 && letters.isFailing;
    if (isPutOff && events.length === 0) {
      nats.connection.publish(replyOf(message), NAK_FOR_LATER);
      return;
    }
    const entry: Held = {
      seq,
      bytes: message.data.length,
      open: events.length + (isPutOff ? 0 : deadLetters.length),
      reply: replyOf(message),
      heardOfAt: now(),
      isUnkept: isPutOff,
    };
    held.set(seq, entry);
    figures.messages += 1;
    figures.events += events.length;
    for (const { sessionId, event } of events) {
      gather.add({ project, sessionId }, event, entry, now());
    }
    if (isPutOff) return;
    for (const letter of deadLetters) keepDeadLetter(project, raw, letter, entry);
  }

  /** A bad message is kept as surely as a good one; nothing else waits for it. */
  function keepDeadLetter(
    project: string,
    { subject, seq, place = String(seq) }: RawMessage,
    letter: DeadLetter,
    entry: Held,
  ): void {
    letters.keep(project, { subject, seq, place }, letter).then(
      (isKept) => {
        if (isKept) figures.deadLetters += 1;
        else entry.isUnkept = true;
        settlePart(entry);
      },
      (error: unknown) => {
        messages.stop(toError(error));
      },
    );
  }

  async function pull(source: ConsumerMessages): Promise<void> {
    for await (const message of source) {
      take(message);
      gather.setBacklog(message.info.pending > 0);
      pumpSoon();
      while ((gather.isFull || letters.isFull) && !stopping) {
        await new Promise<void>((resolve) => {
          wakeUp = resolve;
        });
      }
    }
  }

  /**
   * No more from JetStream, but what is on its way to us still comes: dropped, it would be offered
   * again only after a while. (`close()` drops it; the subscription that can do better is not part of
   * the client's types.)
   */
  async function stopPulling(): Promise<void> {
    const { sub } = messages as unknown as { readonly sub?: Pick<Subscription, 'drain'> };
    await goodbye(sub?.drain());
    await messages.close();
  }

  async function drain(deadline: number): Promise<void> {
    gather.hurry();
    letters.hurry();
    // Where Temporal is away there is nothing to wait for.
    const isHopeless = () => failures > 0 && underWay === 0;
    const isBusy = () =>
      ((gather.events > 0 || underWay > 0) && !isHopeless()) || letters.waiting > 0;
    while (isBusy() && now() < deadline) {
      pump();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    over = true;
    clearInterval(keepHeld);
    clearInterval(followFloor);
    clearInterval(followPlaces);
    clearTimeout(pumpTimer);
    acknowledge();
    // What Temporal has not taken goes back, for another process or a later one.
    for (const { reply } of held.values()) nats.connection.publish(reply, NAK);
    await goodbye(nats.connection.flush());
    log.info({ ...figures, givenBack: held.size }, 'ingest stopped');
  }

  log.info('ingest started');
  const pulled = pull(messages);
  let stopped: Promise<void> | undefined;
  return {
    figures,
    finished: pulled,
    stop() {
      stopped ??= (async () => {
        stopping = true;
        const deadline = now() + DRAIN_MS_MAX;
        wakeUp();
        await stopPulling();
        await within(deadline - now(), pulled).catch(() => undefined);
        await drain(deadline);
      })();
      return stopped;
    },
  };
}

function receivedOf(message: JsMsg) {
  const { subject, data, seq } = message;
  // By its digits: as a float, a nanosecond more would now and then be the next millisecond.
  const receivedAt = Number(message.timestampNanos / 1_000_000n);
  return { subject, data, seq, receivedAt, headers: () => message.headers };
}

/** A failure is as good as an end. */
async function goodbye(answer: Promise<unknown> | undefined): Promise<void> {
  if (answer !== undefined) await within(GOODBYE_MS_MAX, answer).catch(() => undefined);
}
