/**
 * From JetStream to sessions: pull, parse, gather, deliver, acknowledge. A message is acknowledged
 * when Temporal has accepted every event in it and DEADLETTERS keeps whatever was bad.
 *
 *   pull ─▶ parse ─▶ gather ─▶ deliver ─▶ ack
 *             └────▶ dead letter ──────────┘
 */
import type { JsMsg, StoredMsg } from '@nats-io/jetstream';
import { countByProject, readAhead } from '../../platform/events-ahead.ts';
import { placesSinceOf } from '../../platform/event-streams.ts';
import { keepRoom } from '../../platform/events-room.ts';
import { onceJetStreamAnswers } from '../../platform/jetstream-away.ts';
import type { Logger } from '../../platform/log.ts';
import { linkChanges } from '../../platform/nats-link.ts';
import { eventsConfig, type Nats, removeMessage } from '../../platform/nats.ts';
import { isStoodStill } from '../../platform/standstill.ts';
import { isServerAway } from '../../platform/temporal.ts';
import { NO_QUOTAS, type Quotas, type Verdict } from '../../platform/quotas.ts';
import type { Watch } from '../../platform/watch.ts';
import { within } from '../../platform/within.ts';
import { toError } from '../../shared/errors.ts';
import { FAILING_SESSION_HELD_MAX, UNJUDGED_BYTES_MAX, UNJUDGED_MAX } from '../../shared/limits.ts';
import {
  EVENTS_STREAM,
  LOOKED_AT_SUBJECT,
  parseEventSubject,
  parseSessionWorkflowId,
  sessionWorkflowId,
} from '../../shared/ids.ts';
import { watchBusy } from './busy.ts';
import { createDeadLetters } from './dead-letters.ts';
import { createGather, type Delivery, type HeldMessage } from './gather.ts';
import { type Held, holdMessages, replyOf } from './held-messages.ts';
import type { Outcome } from './deliver.ts';
import { openEventSource } from './event-source.ts';
import { createFailingSessions } from './failing-sessions.ts';
import { followFloor } from './follow-floor.ts';
import { createGiveUp } from './give-up.ts';
import type { IngestTraces } from './ingest-traces.ts';
import { overQuota } from './over-quota.ts';
import { createOvertaking, heldBeside, keepOvertaking, takenAhead } from './overtaking.ts';
import { createPace } from './pace.ts';
import { type SeenMessage, watchPutBack } from './put-back-watch.ts';
import type { Stretch } from './stretch.ts';
import {
  type DeadLetter,
  parseMessage,
  type RawMessage,
  type SessionEvent,
  type SettingsOf,
} from './parse-event.ts';
import type { DayTurned } from '../../shared/zones/index.ts';
import { type Received, rawMessageOf, receivedOf, storedOf } from './raw-message.ts';
import { restAfter } from './rest.ts';
import type { Rhythm } from './rhythm.ts';
import { createStuckSessions } from './stuck-sessions.ts';
import type { WorkersSeen } from './workers-seen.ts';

export interface IngestDeps {
  readonly nats: Nats;
  readonly deliver: (delivery: Delivery, ackFloor: number) => Promise<Outcome>;
  /** What is set for a project now: it counts for what is taken from then on. */
  readonly settingsOf: SettingsOf;
  readonly dayTurned: DayTurned;
  /** Whether an event is of somebody who is forgotten: it is acknowledged, counted, and kept nowhere. */
  readonly isForgotten: (project: string, event: SessionEvent) => boolean;
  /** Whether a message is within the quota of its project. */
  readonly quotas?: Quotas | undefined;
  readonly log: Logger;
  readonly now: () => number;
  /** Told whether places are short. */
  readonly stretch: Pick<Stretch, 'observe'>;
  readonly rhythm: Rhythm;
  /** A session that does not take its events is tried for this long. */
  readonly stuckAfterMs: number;
  readonly workers: WorkersSeen;
  readonly watch: Watch;
  /** Where traces are recorded. */
  readonly traces?: IngestTraces | undefined;
}

export interface Ingest {
  /** What went through so far. */
  readonly figures: Readonly<IngestFigures>;
  /** Events that are held for their sessions, by project. */
  readonly heldByProject: ReadonlyMap<string, number>;
  /** How long the session that has failed for longest has not taken what is held for it; 0 where none fails. */
  readonly longestFailingMs: number;
  /** Rejects when pulling cannot go on; resolves after {@link stop}. */
  readonly finished: Promise<void>;
  /** Stops pulling, delivers what is held, gives the rest back to JetStream. */
  stop(): Promise<void>;
}

export type IngestFigures = Record<
  'messages' | 'events' | 'forgotten' | 'deadLetters' | Outcome,
  number
>;

const BACKOFF_MS = { first: 200, max: 5_000 } as const;
/** From the stop on, until what is not delivered is given back. */
const DRAIN_MS_MAX = 8_000;
/** An answer that NATS owes us at the end is not waited for longer. */
const GOODBYE_MS_MAX = 2_000;
/** What may have changed in the stream's settings is looked up again after this. */
const CONFIG_EVERY_MS = 60_000;
/** So long others wait, where a project overtakes whose quota is not counted so far yet. */
const UNJUDGED_AHEAD_MS_MAX = 500;
/** How far quotas are counted is kept as often as this. */
const KEEP_QUOTAS_EVERY_MS = 2_000;

/** Starts ingest. @throws where the stream or its consumer do not exist (run `migrate`) */
export async function startIngest({
  nats,
  deliver: givenDeliver,
  traces,
  settingsOf,
  dayTurned,
  isForgotten,
  quotas = NO_QUOTAS,
  log,
  now,
  stuckAfterMs,
  workers,
  stretch,
  rhythm,
  watch,
}: IngestDeps): Promise<Ingest> {
  const deliver = traces?.around(givenDeliver) ?? givenDeliver;
  const gather = createGather(rhythm);
  const pace = createPace(workers);
  const busy = watchBusy(
    () => underWay + workers.load(now()) > 0,
    (isBusy) => {
      const at = now();
      // What is due goes out over the pulse: short is what is not through with it by the next one.
      stretch.observe({ isBusy, isShort: gather.dueAt(at) + rhythm.promptMs <= at }, at);
    },
  );
  const letters = createDeadLetters({ js: nats.js, log, now });
  const stuck = createStuckSessions(stuckAfterMs);
  const figures: IngestFigures = {
    messages: 0,
    events: 0,
    forgotten: 0,
    deadLetters: 0,
    started: 0,
    signalled: 0,
    reopened: 0,
    known: 0,
  };
  /** Where the consumer is: its last message, how many wait behind that, and since when nothing could be taken of it. */
  let lastSeq = 0;
  let newest: SeenMessage | undefined;
  let pulled = 0;
  let pending = 0;
  let stalledSince = Infinity;
  /** Whose events the last message brought. */
  let latest: readonly SessionName[] = [];
  /** Messages of which it is not known whether they are within their quota, and bytes of them. */
  const unjudged = { messages: 0, bytes: 0 };
  let underWay = 0;
  let failures = 0;
  let pausedUntil = 0;
  let stopping = false;
  /** What was not settled by then is somebody else's: it was given back. */
  let over = false;
  let pumpTimer: NodeJS.Timeout | undefined;
  let pumpsSoon = false;
  let wakeUp = () => {};

  const config = await onceJetStreamAnswers(() => eventsConfig(nats));
  let places = placesSinceOf(config);
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
  const held = holdMessages({
    publish: (reply, word) => {
      nats.connection.publish(reply, word);
    },
    isInDoubt: () => putBack.isInDoubt,
    now,
  });
  const putBack = watchPutBack({
    link: linkChanges(nats.connection),
    lastSeq: async () => (await nats.jsm.streams.info(EVENTS_STREAM)).state.last_seq,
    receivedAt: async (seq) =>
      (await nats.jsm.streams.getMessage(EVENTS_STREAM, { seq }))?.time.getTime(),
    newest: () => newest,
    onPutBack,
    onKnown: () => {
      held.acknowledge();
    },
    onUnknown: (error) => {
      log.debug({ err: error }, 'whether the stream was put back is not known for now');
    },
  });
  putBack.finished.catch((error: unknown) => {
    log.fatal({ err: error }, 'ingest is broken');
    source.fail(toError(error));
  });
  const floor = followFloor({ nats, log, pulled: () => pulled });
  let isKeeping = false;
  let keptTo = 0;
  const keepQuotas = setInterval(() => {
    // Each project takes up to five seconds where NATS is slow.
    if (isKeeping) return;
    isKeeping = true;
    // As it was a look ago: of the last acknowledgements a NATS that is killed may know nothing, and give those messages again.
    const upTo = Math.min(keptTo, floor.kept);
    keptTo = floor.kept;
    quotas
      .keep(upTo)
      .catch((error: unknown) => {
        log.debug({ err: error }, 'quotas are not kept for now');
      })
      .finally(() => {
        isKeeping = false;
      });
  }, KEEP_QUOTAS_EVERY_MS);
  const room = keepRoom({
    ...{ nats, log },
    firstHeld: () => held.first,
    firstNeeded: (upTo) => quotas.firstToCount(upTo),
  });
  room.follow(config);
  const followConfig = setInterval(() => {
    eventsConfig(nats).then(
      (now) => {
        places = placesSinceOf(now);
        room.follow(now);
      },
      (error: unknown) => {
        log.debug({ err: error }, 'settings of the stream not known for now');
      },
    );
  }, CONFIG_EVERY_MS);

  function settlePart(message: HeldMessage): void {
    held.settlePart(message);
    wakeUp();
  }

  /** Sequences begin anew: what is held is delivered all the same, but what comes now is something else. */
  function onStreamMadeAnew(): void {
    quotas.reset();
    held.clear();
    overtaking.reset();
    lastSeq = 0;
    newest = undefined;
  }

  function onPutBack(): void {
    log.warn(
      { held: held.size, notAcknowledged: held.unacknowledged },
      'the newest event that was taken is not where it was: NATS was put back to an older copy, or the stream made anew',
    );
    held.setAside();
    quotas.reset();
    newest = undefined;
  }

  function onConsumerBack(seq: number): void {
    lastSeq = Math.min(lastSeq, seq - 1);
    quotas.reset();
    overtaking.reset();
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
          failing.add(delivery);
          continue;
        }
        underWay += 1;
        send(delivery).catch((error: unknown) => {
          log.fatal({ err: error }, 'ingest is broken');
          source.fail(toError(error));
        });
      }
    }
    busy.look();
    const dueAt = gather.dueAt(at);
    const next = Math.max(dueAt, pausedUntil, pace.askAgainAt(underWay, at));
    if (next < Infinity) pumpTimer = setTimeout(pump, next - now());
  }

  /** What is left of events once those of the forgotten are counted and gone. */
  function withoutForgotten<T>(events: readonly T[], isGone: (event: T) => boolean): readonly T[] {
    const left = events.filter((event) => !isGone(event));
    figures.forgotten += events.length - left.length;
    return left;
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
    const beganAt = now();
    const workflowId = sessionOf(delivery);
    // Some may have waited here while their person was forgotten.
    const { project, sessionId } = delivery;
    const events = withoutForgotten(delivery.events, (event) =>
      isForgotten(project, { sessionId, event }),
    );
    if (events.length === 0) {
      settle(delivery);
      return;
    }
    const sent = workers.sending(workflowId, beganAt);
    const outcome = await deliver({ ...delivery, events }, floorBefore(delivery));
    figures[outcome] += 1;
    watch.delivered(outcome, now() - beganAt);
    sent(outcome, now());
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
   * comes back. It is not where another session has been taken meanwhile: then it is this session's trouble. Nor is it
   * anybody's where this process itself stood still.
   */
  function failed(delivery: Delivery, error: unknown, sentAt: number): void {
    watch.deliveryFailed();
    if (isStoodStill(error)) {
      tryAgain(delivery, BACKOFF_MS.max);
      return;
    }
    if (!isServerAway(error) || stuck.isOneTakenSince(sentAt)) {
      failing.failed(delivery, error);
      return;
    }
    const waitMs = Math.min(BACKOFF_MS.first * 2 ** failures, BACKOFF_MS.max);
    if (now() >= pausedUntil) {
      failures += 1;
      pausedUntil = now() + waitMs;
      log.warn({ err: error, failures, waitMs }, 'temporal did not take events, trying again');
    }
    tryAgain(delivery, waitMs);
  }

  function tryAgain(delivery: Delivery, waitMs: number): void {
    setTimeout(() => {
      gather.putBack(delivery);
      pump();
    }, waitMs);
  }

  const failing = createFailingSessions({
    stuck,
    attempt,
    giveUp: createGiveUp({
      fetch: (seq) => nats.jsm.streams.getMessage(EVENTS_STREAM, { seq }),
      rawOf: (message) => rawMessageOf(storedOf(message), places),
      settingsOf,
      keep: async (project, letterSource, letter) => {
        if (!(await letters.keep(project, letterSource, letter)))
          throw new Error('dead letter not kept');
        figures.deadLetters += 1;
        watch.deadLetter(project, letter.reason);
      },
    }),
    onDone: (delivery, isGivenUp) => {
      if (isGivenUp) {
        for (const { trace } of delivery.messages) trace?.deadLetter();
        settle(delivery);
      }
      pump();
    },
    onFailed: () => {
      watch.deliveryFailed();
    },
    behind: (delivery) => gather.messagesOf(delivery),
    pausedUntil: () => pausedUntil,
    isStopping: () => stopping,
    isOver: () => over,
    log,
    now,
  });

  function take(message: JsMsg): void {
    const received = receivedOf(message);
    const { seq, receivedAt } = received;
    lastSeq = Math.max(lastSeq, seq);
    if (receivedAt >= (newest?.receivedAt ?? 0)) newest = { seq, receivedAt };
    pulled += 1;
    if (held.takeOvertaken(seq, receivedAt)) {
      held.acknowledgeSoon(replyOf(message));
      return;
    }
    const before = held.find(seq, receivedAt);
    if (before !== undefined) {
      // Offered again while we hold it: the newer delivery is the one to acknowledge.
      before.reply = replyOf(message);
      before.heardOfAt = now();
      return;
    }
    const reply = replyOf(message);
    const verdict = verdictOf(received);
    if (verdict === undefined) awaitVerdict(received, reply);
    else takeJudged(received, reply, verdict);
  }

  function verdictOf({ subject, seq, receivedAt }: Received): Verdict | undefined {
    if (!quotas.areSet) return 'in';
    const parsed = parseEventSubject(subject);
    return parsed?.valid === true ? quotas.verdictOf(parsed.project, { seq, receivedAt }) : 'in';
  }

  /** It is held meanwhile, and nothing waits for it but others that nobody has judged yet, once they are too many. */
  function awaitVerdict(received: Received, reply: string): void {
    const { subject, seq, receivedAt } = received;
    const bytes = received.data.length;
    const entry: Held = {
      ...{ seq, receivedAt, bytes, reply },
      open: 1,
      heardOfAt: now(),
      isUnkept: false,
    };
    held.add(entry);
    unjudged.messages += 1;
    unjudged.bytes += bytes;
    const project = parseEventSubject(subject)?.project ?? '';
    quotas
      .whenKnown(project, { seq, receivedAt })
      .then((verdict) => {
        unjudged.messages -= 1;
        unjudged.bytes -= bytes;
        // At the end, and by a stream made anew or put back, it was given back, or is offered again where it is still there.
        if (!over && held.release(entry) && entry.reply !== undefined) {
          if (verdict === 'unknown') held.putOff(entry.reply);
          else takeJudged(received, entry.reply, verdict);
        }
        wakeUp();
        pumpSoon();
      })
      .catch((error: unknown) => {
        source.fail(toError(error));
      });
  }

  function takeJudged(received: Received, reply: string, verdict: Verdict): void {
    const { seq, receivedAt, data } = received;
    const raw = rawMessageOf(received, places);
    const parsed = parseMessage(raw, settingsOf, dayTurned);
    const { project } = parsed;
    const good = withoutForgotten(parsed.events, (event) => isForgotten(project, event));
    const { events, deadLetters } =
      verdict === 'in'
        ? { events: good, deadLetters: parsed.deadLetters }
        : overQuota(raw, parsed, { good, reason: verdict.over, settingsOf });
    if (events.length + deadLetters.length === 0) {
      held.acknowledgeSoon(reply);
      erase(seq);
      return;
    }
    // Its events are taken now; the letters are tried when it comes again.
    const isPutOff = deadLetters.length > 0 && letters.isFailing;
    if (isPutOff && events.length === 0) {
      held.putOff(reply);
      return;
    }
    const entry: Held = {
      seq,
      receivedAt,
      bytes: data.length,
      open: events.length + (isPutOff ? 0 : deadLetters.length),
      reply,
      heardOfAt: now(),
      isUnkept: isPutOff,
    };
    hold(entry, received, project, events);
    latest = events.map(({ sessionId }) => ({ project, sessionId }));
    if (isPutOff) return;
    for (const letter of deadLetters) keepDeadLetter(project, raw, letter, entry);
  }

  /** Nothing in it is anybody's any more. */
  function erase(seq: number): void {
    removeMessage(nats, EVENTS_STREAM, seq, true).catch((error: unknown) => {
      log.warn({ err: error, seq }, 'message of somebody who is forgotten stays until it expires');
    });
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
        if (isKept) {
          figures.deadLetters += 1;
          watch.deadLetter(project, letter.reason);
          entry.trace?.deadLetter();
        } else entry.isUnkept = true;
        settlePart(entry);
      },
      (error: unknown) => {
        source.fail(toError(error));
      },
    );
  }

  /** What there is to say against a part of one, the consumer's way will: here that is left alone. */
  function takeAhead(message: StoredMsg): boolean {
    const stored = storedOf(message);
    const { data, seq, receivedAt } = stored;
    if (seq <= lastSeq || held.find(seq, receivedAt) !== undefined) return true;
    if (held.isOvertaken(seq, receivedAt)) return true;
    const verdict = verdictOf(stored);
    if (verdict === undefined) return false;
    // What is over its quota is the consumer's way's.
    if (verdict !== 'in') return true;
    const parsed = parseMessage(rawMessageOf(stored, places), settingsOf, dayTurned);
    const { project } = parsed;
    const { events, isPart } = takenAhead(
      parsed,
      (event) =>
        isForgotten(project, event) ||
        stuck.isFailing(sessionOf({ project, sessionId: event.sessionId })),
    );
    if (events.length === 0) return true;
    const entry: Held = {
      seq,
      receivedAt,
      bytes: data.length,
      overtakes: true,
      open: events.length,
      reply: undefined,
      heardOfAt: now(),
      isUnkept: isPart,
    };
    hold(entry, stored, project, events);
    pumpSoon();
    return true;
  }

  function hold(
    entry: Held,
    received: Received,
    project: string,
    events: readonly SessionEvent[],
  ): void {
    const trace = traces?.taken(received, { project, events: events.length });
    if (trace !== undefined) entry.trace = trace;
    held.add(entry);
    figures.messages += 1;
    figures.events += events.length;
    for (const { sessionId, event } of events) {
      gather.add({ project, sessionId }, event, entry, now());
    }
  }

  const overtaking = createOvertaking<StoredMsg>({
    countByProject: () => countByProject(nats),
    read: async (project, fromSeq, count) => {
      const messages = await readAhead(nats, project, fromSeq, count);
      const last = messages.at(-1);
      if (last !== undefined && verdictOf(storedOf(last)) === undefined) {
        const place = { seq: last.seq, receivedAt: last.time.getTime() };
        await within(UNJUDGED_AHEAD_MS_MAX, quotas.whenKnown(project, place));
      }
      return messages;
    },
    place: () => ({ seq: lastSeq, pending, stalledMs: Math.max(0, now() - stalledSince) }),
    held: (project) =>
      heldBeside(
        { all: gather.heldOf(project), ahead: gather.aheadOf(project) },
        failing.heldOf(project),
      ),
    hasRoom: () => !stopping && gather.mayOvertake,
    take: takeAhead,
    setAhead: (projects) => {
      gather.setAhead(projects);
      pump();
    },
  });

  function isUnjudgedFull(): boolean {
    return unjudged.messages >= UNJUDGED_MAX || unjudged.bytes >= UNJUDGED_BYTES_MAX;
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
      while (
        (gather.isFull || letters.isFull || isUnjudgedFull() || latest.some(isOverShare)) &&
        !stopping
      ) {
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
      underWay === 0 && (failures > 0 || (failing.size > 0 && gather.dueAt() === Infinity));
    const isBusy = () =>
      ((gather.events > 0 || underWay > 0) && !isHopeless()) || letters.waiting > 0;
    while (isBusy() && now() < deadline) {
      pump();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    over = true;
    looks.unsubscribe();
    clearInterval(followConfig);
    room.stop();
    clearTimeout(pumpTimer);
    busy.stop();
    // What Temporal has not taken goes back, for another process or a later one.
    held.close();
    await goodbye(nats.connection.flush());
    await goodbye(floor.stop());
    clearInterval(keepQuotas);
    await goodbye(quotas.keep(floor.kept));
    log.info({ ...figures, givenBack: held.size }, 'ingest stopped');
  }

  log.info('ingest started');
  const ended = pull();
  keepOvertaking({
    look: () => overtaking.look(),
    isStopping: () => stopping,
    log,
    now,
  }).catch((error: unknown) => {
    log.fatal({ err: error }, 'ingest is broken');
    source.fail(toError(error));
  });
  let stopped: Promise<void> | undefined;
  return {
    figures,
    heldByProject: gather.heldByProject,
    get longestFailingMs() {
      return failing.longestMs;
    },
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

/** A failure is as good as an end. */
async function goodbye(answer: Promise<unknown> | undefined): Promise<void> {
  if (answer !== undefined) await within(GOODBYE_MS_MAX, answer).catch(() => undefined);
}
