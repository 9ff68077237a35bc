/**
 * From JetStream to sessions: pull, parse, gather, deliver, acknowledge. A message is acknowledged
 * when Temporal has accepted every event in it and DEADLETTERS keeps whatever was bad.
 *
 *   pull ─▶ parse ─▶ gather ─▶ deliver ─▶ ack
 *             └────▶ dead letter ──────────┘
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsMsg, StoredMsg } from '@nats-io/jetstream';
import { countByProject, readAhead } from '../../platform/events-ahead.ts';
import { onceJetStreamAnswers } from '../../platform/jetstream-away.ts';
import type { Logger } from '../../platform/log.ts';
import { ACK_WAIT_MS } from '../../platform/events-consumer.ts';
import { type Nats, placesSince } from '../../platform/nats.ts';
import { isRefused, isServerAway } from '../../platform/temporal.ts';
import { within } from '../../platform/within.ts';
import { toError } from '../../shared/errors.ts';
import { FAILING_SESSION_HELD_MAX, OVERTAKEN_MAX } from '../../shared/limits.ts';
import {
  DEADLETTERS_STREAM,
  EVENTS_STREAM,
  LOOKED_AT_SUBJECT,
  parseSessionWorkflowId,
  sessionWorkflowId,
} from '../../shared/ids.ts';
import { createApart } from './apart.ts';
import { createDeadLetters } from './dead-letters.ts';
import { createGather, type Delivery, type HeldMessage } from './gather.ts';
import type { Outcome } from './deliver.ts';
import { openEventSource } from './event-source.ts';
import { followFloor } from './follow-floor.ts';
import { createGiveUp, stuckReason } from './give-up.ts';
import { createOvertaking } from './overtaking.ts';
import { createPace } from './pace.ts';
import { type SeenMessage, watchPutBack } from './put-back-watch.ts';
import type { Stretch } from './stretch.ts';
import type { SessionWorker } from '../host/session-worker.ts';
import {
  type DeadLetter,
  parseMessage,
  type RawMessage,
  type SessionEvent,
} from './parse-event.ts';
import { rawMessageOf } from './raw-message.ts';
import { restAfter } from './rest.ts';
import type { Rhythm } from './rhythm.ts';
import { createStuckSessions } from './stuck-sessions.ts';

export interface IngestDeps {
  readonly nats: Nats;
  readonly deliver: (delivery: Delivery, ackFloor: number) => Promise<Outcome>;
  readonly log: Logger;
  readonly now: () => number;
  /** Told whether places are short. */
  readonly stretch: Pick<Stretch, 'observe'>;
  readonly rhythm: Rhythm;
  /** A session that does not take its events is tried for this long. */
  readonly stuckAfterMs: number;
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
/** Acknowledgements go out together: each write to a socket costs both sides more than ten of them do. */
const ACK_EVERY_MS = 50;
/** When to look past the queue, milliseconds, and for how long not to, for each millisecond that it takes. */
const OVERTAKE = { everyMs: 300, restForWork: 1, afterErrorMs: 5_000 } as const;
/** Sessions that failed are tried in places of their own, so many at a time: each may take seconds. */
const TRIED_APART_MAX = 4;
const BACKOFF_MS = { first: 200, max: 5_000 } as const;
/** From the stop on, until what is not delivered is given back. */
const DRAIN_MS_MAX = 8_000;
/** An answer that NATS owes us at the end is not waited for longer. */
const GOODBYE_MS_MAX = 2_000;
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
  /** When the stream took it: a stream that is put back to an older copy gives its sequence to another message. */
  readonly receivedAt: number;
  /**
   * Where JetStream waits to hear of it; of what overtakes, not before the consumer comes to it. The message itself
   * would keep the buffer alive that it came in.
   */
  reply: string | undefined;
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
  stuckAfterMs,
  worker,
  stretch,
  rhythm,
}: IngestDeps): Promise<Ingest> {
  const gather = createGather(rhythm);
  const pace = createPace(worker && (() => worker.load + worker.untaken.count(now())));
  const letters = createDeadLetters({ js: nats.js, log, now });
  const held = new Map<number, Held>();
  const stuck = createStuckSessions(stuckAfterMs);
  const apart = createApart(TRIED_APART_MAX, tryApart);
  /** Deliveries that wait for another try of their session. */
  let putOff = 0;
  const figures: IngestFigures = {
    messages: 0,
    events: 0,
    deadLetters: 0,
    started: 0,
    signalled: 0,
    reopened: 0,
    known: 0,
  };
  /** Messages that were delivered out of turn and that the consumer has yet to come to: when the stream took each. */
  const overtaken = new Map<number, number>();
  /** Where the consumer is: its last message, how many wait behind that, and since when nothing could be taken of it. */
  let lastSeq = 0;
  let newest: SeenMessage | undefined;
  let pulled = 0;
  let pending = 0;
  let stalledSince = Infinity;
  /** Whose events the last message brought. */
  let latest: readonly SessionName[] = [];
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

  let places = await onceJetStreamAnswers(() => placesSince(nats));
  const source = await onceJetStreamAnswers(() =>
    openEventSource({ nats, log, onStreamMadeAnew, onConsumerBack }),
  );

  /** Who looks at a session sees what waits for it a moment later. */
  const looks = nats.connection.subscribe(LOOKED_AT_SUBJECT, {
    callback(error, message) {
      const session = error === null ? parseSessionWorkflowId(message.string()) : undefined;
      if (session === undefined) return;
      gather.bring(session);
      pumpSoon();
    },
  });
  const keepHeld = setInterval(() => {
    const at = now();
    if (putBack.isInDoubt) return;
    for (const entry of held.values()) {
      if (entry.reply === undefined || at - entry.heardOfAt < STILL_WORKING_MS) continue;
      nats.connection.publish(entry.reply, WORKING);
      entry.heardOfAt = at;
    }
  }, STILL_WORKING_MS / 2);
  const putBack = watchPutBack({
    status: nats.connection.status(),
    receivedAt: async (seq) =>
      (await nats.jsm.streams.getMessage(EVENTS_STREAM, { seq }))?.time.getTime(),
    newest: () => newest,
    onPutBack,
    onKnown: acknowledge,
    onUnknown: (error) => {
      log.debug({ err: error }, 'whether the stream was put back is not known for now');
    },
  });
  putBack.finished.catch((error: unknown) => {
    log.fatal({ err: error }, 'ingest is broken');
    source.fail(toError(error));
  });
  const floor = followFloor({ nats, log, pulled: () => pulled });
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

  function settlePart(message: HeldMessage): void {
    message.open -= 1;
    if (message.open > 0) return;
    const { seq } = message;
    const entry = held.get(seq);
    // That of a stream of before has nobody to acknowledge it to.
    if (entry === message) {
      held.delete(seq);
      if (entry.reply === undefined) overtaken.set(seq, entry.receivedAt);
      else if (entry.isUnkept) nats.connection.publish(entry.reply, NAK_FOR_LATER);
      else acknowledgeSoon(entry.reply);
    }
    wakeUp();
  }

  /** Sequences begin anew: what is held is delivered all the same, but what comes now is something else. */
  function onStreamMadeAnew(): void {
    held.clear();
    overtaken.clear();
    overtaking.reset();
    settled = [];
    lastSeq = 0;
    newest = undefined;
  }

  /** What is held counts as delivered out of turn: where it is still there, it is acknowledged when it is offered again. */
  function onPutBack(): void {
    log.warn(
      { held: held.size, notAcknowledged: settled.length },
      'the newest event that was taken is not there any more: NATS was put back to an older copy, or the stream purged',
    );
    for (const entry of held.values()) entry.reply = undefined;
    settled = [];
    newest = undefined;
  }

  function onConsumerBack(seq: number): void {
    lastSeq = Math.min(lastSeq, seq - 1);
    overtaking.reset();
  }

  function acknowledgeSoon(reply: string): void {
    settled.push(reply);
    if (!over) ackTimer ??= setTimeout(acknowledge, ACK_EVERY_MS);
  }

  function acknowledge(): void {
    clearTimeout(ackTimer);
    ackTimer = undefined;
    if (putBack.isInDoubt) return;
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
        if (stuck.isFailing(sessionOf(delivery))) {
          putOff += 1;
          apart.add(delivery);
          continue;
        }
        underWay += 1;
        send(delivery).catch((error: unknown) => {
          log.fatal({ err: error }, 'ingest is broken');
          source.fail(toError(error));
        });
      }
    }
    const dueAt = gather.dueAt(at);
    // What is due goes out over the pulse: short is what is not through with it by the next one.
    stretch.observe(dueAt + rhythm.promptMs <= at, at);
    const next = Math.max(dueAt, pausedUntil, pace.askAgainAt(underWay, at));
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
    const sentAt = now();
    try {
      await attempt(delivery);
    } catch (error) {
      failed(delivery, error, sentAt);
    } finally {
      underWay -= 1;
      pump();
    }
  }

  /** One try. @throws what the session or the server had against it */
  async function attempt(delivery: Delivery): Promise<void> {
    const workflowId = sessionOf(delivery);
    const takenBefore = worker?.untaken.takenBy(workflowId);
    const outcome = await deliver(delivery, floorBefore(delivery));
    figures[outcome] += 1;
    if (outcome === 'signalled') worker?.untaken.sent(workflowId, takenBefore, now());
    if (failures > 0) log.info({ failures }, 'temporal takes events again');
    failures = 0;
    stuck.taken(workflowId, now());
    settle(delivery);
  }

  /** What is delivered is not acknowledged: a floor above it is that of a stream of before, or of before a redelivery. */
  function floorBefore({ messages }: Delivery): number {
    return messages.every(({ seq }) => seq > floor.kept) ? floor.kept : 0;
  }

  function settle(delivery: Delivery): void {
    const restMs = over ? 0 : restAfter(delivery);
    gather.done(delivery, now(), restMs > 0);
    if (restMs > 0) {
      setTimeout(() => {
        gather.rested(delivery, now());
        pump();
      }, restMs);
    }
    for (const message of delivery.messages) settlePart(message);
  }

  /**
   * Where the server itself is away everything pauses: one log line a pause, and no storm of requests when it
   * comes back. It is not where another session has been taken meanwhile: then it is this session's trouble.
   */
  function failed(delivery: Delivery, error: unknown, sentAt: number): void {
    if (!isServerAway(error) || stuck.isOneTakenSince(sentAt)) {
      putOff += 1;
      failedApart(delivery, error);
      return;
    }
    const waitMs = Math.min(BACKOFF_MS.first * 2 ** failures, BACKOFF_MS.max);
    if (now() >= pausedUntil) {
      failures += 1;
      pausedUntil = now() + waitMs;
      log.warn({ err: error, failures, waitMs }, 'temporal did not take events, trying again');
    }
    setTimeout(() => {
      gather.putBack(delivery);
      pump();
    }, waitMs);
  }

  /** Tries a session again, or gives its events up where it has been tried for long enough; the others go on. */
  function failedApart(delivery: Delivery, error: unknown): void {
    const { project, sessionId } = delivery;
    const session = sessionOf(delivery);
    const failure = stuck.failed(session, isRefused(error), now());
    const { attempts, failingForMs, retryInMs } = failure;
    if (retryInMs === undefined) {
      stuck.giveUp(session, stuckReason(failingForMs, toError(error)), now());
      log.error(
        { err: error, project, sessionId, attempts, failingForMs },
        'session took no events for too long, they become dead letters',
      );
    } else {
      log.error(
        { err: error, project, sessionId, attempts, waitMs: retryInMs },
        'session did not take events, trying again',
      );
    }
    setTimeout(() => {
      apart.add(delivery);
    }, retryInMs ?? 0);
  }

  async function tryApart(delivery: Delivery): Promise<void> {
    if (over) return;
    const at = now();
    if (at < pausedUntil) {
      setTimeout(() => {
        apart.add(delivery);
      }, pausedUntil - at);
      return;
    }
    const reason = stuck.givenUp(sessionOf(delivery), at);
    try {
      if (reason === undefined) await attempt(delivery);
      else await giveUp(delivery, reason);
    } catch (error) {
      if (reason === undefined) failedApart(delivery, error);
      else giveUpLater(delivery, error);
      return;
    }
    if (reason !== undefined) settle(delivery);
    putOff -= 1;
    pump();
  }

  function giveUpLater(delivery: Delivery, error: unknown): void {
    // Its messages are given back, and offered to the next process.
    if (stopping) return;
    log.warn({ err: error, stream: DEADLETTERS_STREAM }, 'dead letters not kept, trying again');
    setTimeout(() => {
      apart.add(delivery);
    }, BACKOFF_MS.max);
  }

  const giveUp = createGiveUp({
    fetch: (seq) => nats.jsm.streams.getMessage(EVENTS_STREAM, { seq }),
    rawOf: (message) => rawMessageOf(storedOf(message), places),
    keep: async (project, letterSource, letter) => {
      if (!(await letters.keep(project, letterSource, letter)))
        throw new Error('dead letter not kept');
      figures.deadLetters += 1;
    },
  });

  function take(message: JsMsg): void {
    const received = receivedOf(message);
    const { seq, receivedAt } = received;
    lastSeq = Math.max(lastSeq, seq);
    if (receivedAt >= (newest?.receivedAt ?? 0)) newest = { seq, receivedAt };
    pulled += 1;
    const overtakenAt = overtaken.get(seq);
    overtaken.delete(seq);
    if (overtakenAt === receivedAt) {
      acknowledgeSoon(replyOf(message));
      return;
    }
    const before = held.get(seq);
    if (before?.receivedAt === receivedAt) {
      // Offered again while we hold it: the newer delivery is the one to acknowledge.
      before.reply = replyOf(message);
      before.heardOfAt = now();
      return;
    }
    const raw = rawMessageOf(received, places);
    const { project, events, deadLetters } = parseMessage(raw);
    // Its events are taken now; the letters are tried when it comes again.
    const isPutOff = deadLetters.length > 0 && letters.isFailing;
    if (isPutOff && events.length === 0) {
      nats.connection.publish(replyOf(message), NAK_FOR_LATER);
      return;
    }
    const entry: Held = {
      seq,
      receivedAt,
      bytes: message.data.length,
      open: events.length + (isPutOff ? 0 : deadLetters.length),
      reply: replyOf(message),
      heardOfAt: now(),
      isUnkept: isPutOff,
    };
    hold(entry, project, events);
    latest = events.map(({ sessionId }) => ({ project, sessionId }));
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
        source.fail(toError(error));
      },
    );
  }

  /** What there is to say against one, the consumer's way will: here it is left alone. */
  function takeAhead(message: StoredMsg): void {
    const stored = storedOf(message);
    const { data, seq, receivedAt } = stored;
    if (seq <= lastSeq || held.get(seq)?.receivedAt === receivedAt) return;
    if (overtaken.get(seq) === receivedAt) return;
    const { project, events, deadLetters } = parseMessage(rawMessageOf(stored, places));
    if (deadLetters.length > 0) return;
    if (events.some(({ sessionId }) => stuck.isFailing(sessionOf({ project, sessionId })))) return;
    const entry: Held = {
      seq,
      receivedAt,
      bytes: data.length,
      overtakes: true,
      open: events.length,
      reply: undefined,
      heardOfAt: now(),
      isUnkept: false,
    };
    hold(entry, project, events);
    pumpSoon();
  }

  function hold(entry: Held, project: string, events: readonly SessionEvent[]): void {
    held.set(entry.seq, entry);
    figures.messages += 1;
    figures.events += events.length;
    for (const { sessionId, event } of events) {
      gather.add({ project, sessionId }, event, entry, now());
    }
  }

  const overtaking = createOvertaking<StoredMsg>({
    countByProject: () => countByProject(nats),
    read: (project, fromSeq, count) => readAhead(nats, project, fromSeq, count),
    place: () => ({ seq: lastSeq, pending, stalledMs: Math.max(0, now() - stalledSince) }),
    held: (project) => ({ all: gather.heldOf(project), ahead: gather.aheadOf(project) }),
    hasRoom: () => !stopping && gather.mayOvertake && overtaken.size < OVERTAKEN_MAX,
    take: takeAhead,
    setAhead: (projects) => {
      gather.setAhead(projects);
      pump();
    },
  });

  /** Looks past the queue now and then; the longer that takes the less often. */
  async function overtake(): Promise<void> {
    let waitMs: number = OVERTAKE.everyMs;
    for (;;) {
      await sleep(waitMs, undefined, { ref: false });
      if (stopping) return;
      const at = now();
      try {
        await overtaking.look();
        waitMs = Math.max(OVERTAKE.everyMs, (now() - at) * OVERTAKE.restForWork);
      } catch (error) {
        waitMs = OVERTAKE.afterErrorMs;
        log.warn({ err: error }, 'could not look past the queue, others wait for it meanwhile');
      }
      if (overtaken.size < OVERTAKEN_MAX) continue;
      // Removed from the stream before the consumer came to them.
      for (const seq of overtaken.keys()) if (seq <= lastSeq) overtaken.delete(seq);
    }
  }

  function isOverShare(session: SessionName): boolean {
    if (!stuck.isFailing(sessionOf(session))) return false;
    return gather.waitingOf(session) >= FAILING_SESSION_HELD_MAX;
  }

  async function pull(): Promise<void> {
    for await (const message of source.messages) {
      stalledSince = now();
      take(message);
      ({ pending } = message.info);
      gather.setBacklog(pending > 0);
      pumpSoon();
      while ((gather.isFull || letters.isFull || latest.some(isOverShare)) && !stopping) {
        await new Promise<void>((resolve) => {
          wakeUp = resolve;
        });
      }
      stalledSince = Infinity;
    }
  }

  async function drain(deadline: number): Promise<void> {
    gather.hurry();
    letters.hurry();
    // Where Temporal is away, or only sessions are left that do not take their events, there is nothing to wait for.
    const isHopeless = () =>
      underWay === 0 && (failures > 0 || (putOff > 0 && gather.dueAt() === Infinity));
    const isBusy = () =>
      ((gather.events > 0 || underWay > 0) && !isHopeless()) || letters.waiting > 0;
    while (isBusy() && now() < deadline) {
      pump();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    over = true;
    clearInterval(keepHeld);
    looks.unsubscribe();
    clearInterval(followPlaces);
    clearTimeout(pumpTimer);
    acknowledge();
    // What Temporal has not taken goes back, for another process or a later one.
    for (const { reply } of held.values()) {
      if (reply !== undefined) nats.connection.publish(reply, NAK);
    }
    await goodbye(nats.connection.flush());
    await goodbye(floor.stop());
    log.info({ ...figures, givenBack: held.size }, 'ingest stopped');
  }

  log.info('ingest started');
  const ended = pull();
  overtake().catch((error: unknown) => {
    log.fatal({ err: error }, 'ingest is broken');
    source.fail(toError(error));
  });
  let stopped: Promise<void> | undefined;
  return {
    figures,
    finished: ended,
    stop() {
      stopped ??= (async () => {
        stopping = true;
        const deadline = now() + DRAIN_MS_MAX;
        wakeUp();
        await source.stop();
        await within(deadline - now(), ended).catch(() => undefined);
        await drain(deadline);
      })();
      return stopped;
    },
  };
}

type SessionName = Pick<Delivery, 'project' | 'sessionId'>;

function sessionOf({ project, sessionId }: SessionName): string {
  return sessionWorkflowId(project, sessionId);
}

function receivedOf(message: JsMsg) {
  const { subject, data, seq } = message;
  // By its digits: as a float, a nanosecond more would now and then be the next millisecond.
  const receivedAt = Number(message.timestampNanos / 1_000_000n);
  return { subject, data, seq, receivedAt, headers: () => message.headers };
}

function storedOf(message: StoredMsg) {
  const { subject, data, seq } = message;
  return { subject, data, seq, receivedAt: message.time.getTime(), headers: () => message.header };
}

/** A failure is as good as an end. */
async function goodbye(answer: Promise<unknown> | undefined): Promise<void> {
  if (answer !== undefined) await within(GOODBYE_MS_MAX, answer).catch(() => undefined);
}
