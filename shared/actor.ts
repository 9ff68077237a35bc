/**
 * The session actor without its engine: what it knows, what it gets, and what it leaves behind.
 * `next-step.ts` says what it does next, `write.ts` how a write changes it; `workflows/session.ts`
 * gives it a clock, timers and activities, and tests give it crashes.
 */
import { type AnyBatch, eventsOf, groupsOf } from './batch.ts';
import {
  type Contributions,
  fromWire,
  subtractAll,
  toWire,
  type WireRow,
} from './contributions.ts';
import type { VisitorEvent } from './event.ts';
import type { EndReason, SessionStatus } from './rollup.ts';
import {
  applyEvents,
  emptySession,
  type SessionState,
  stateFromWire,
  type SessionStateWire,
  stateToWire,
} from './session.ts';

export interface SessionSettings {
  /** An open session ends when no event has arrived for this long. */
  readonly idleTimeoutMs: number;
  /** At most one write in this time while open; null: only at the end. */
  readonly checkpointMs: number | null;
  /** A session reopened after an explicit end settles after this much quiet. */
  readonly lateGraceMs: number;
}

/** Whether the session's user was new when somebody looked. */
export interface RecognizedUser {
  readonly userId: string;
  readonly isNew: boolean;
}

/** The part of the last written `sessions` row that decides whether another write is due. */
interface Shown {
  readonly status: SessionStatus;
  readonly endReason?: EndReason;
  readonly events: number;
}

/** All that a settled session leaves behind for the run that may reopen it. */
export interface SessionSnapshot {
  readonly version: 1;
  readonly identity: string;
  readonly writeNo: number;
  readonly state: SessionStateWire;
  /** Rows written so far, less those that events add by themselves. */
  readonly balance: readonly WireRow[];
  readonly user?: RecognizedUser;
  readonly shown?: Shown;
  /** Events of a run that never proved it started from the latest state: they are folded in again. */
  readonly unproven?: readonly VisitorEvent[];
  readonly endReason?: EndReason;
  /** See {@link SessionInput}. */
  readonly visitorsSince?: number;
}

/**
 * A session's first write, worked out by whoever starts it: the record can then be in the log before the
 * first workflow task ends, without an activity (docs/decisions/017). The rows are part of the history, so
 * a replay under tomorrow's catalogue still knows what was written.
 */
export interface Opening {
  readonly status: SessionStatus;
  readonly endReason?: EndReason;
  readonly rows: readonly WireRow[];
  readonly owesMore: boolean;
  /** The session's user as recognised, where it has one. */
  readonly user?: RecognizedUser;
}

/** What a run takes over from its predecessor in the same chain (continue-as-new). */
export interface Continued {
  readonly lastArrivalAt: number;
  readonly lastWriteAt?: number;
  readonly reopenedAfter?: EndReason;
  /** An operator wants the session to end. */
  readonly endRequested?: boolean;
}

/** The argument of the session workflow. */
export interface SessionInput {
  readonly project: string;
  readonly sessionId: string;
  readonly settings: SessionSettings;
  readonly batch: AnyBatch;
  /** Whoever claims a user for a session of this id from then on, claims it for this session; epoch ms. */
  readonly visitorsSince?: number;
  /** Present where a new session writes at once. */
  readonly opening?: Opening;
  /** Present where the session has lived before. */
  readonly snapshot?: SessionSnapshot;
  /** Present where the same life goes on in a new run. */
  readonly continued?: Continued;
}

export interface Actor {
  readonly project: string;
  readonly sessionId: string;
  readonly settings: SessionSettings;
  /** First run of the chain this run belongs to. */
  readonly chain: string;
  /** First run of the session. */
  identity: string;
  /** Number of the last write known to be in the log. */
  writeNo: number;
  state: SessionState;
  balance: Contributions;
  user: RecognizedUser | undefined;
  shown: Shown | undefined;
  /** More rows are owed than one record takes. */
  owesMore: boolean;
  readonly reopenedAfter: EndReason | undefined;
  visitorsSince: number | undefined;
  /** Events of a reopened run until its first write proves that it started from the latest state. */
  unproven: VisitorEvent[] | undefined;
  lastArrivalAt: number;
  lastWriteAt: number | undefined;
  /** Stretched for now; see `Sent` in `batch.ts`. */
  checkpointMs: number | undefined;
  endRequested: boolean;
}

/**
 * An actor at the start of a run, its first batch folded in.
 * @param chain first run of this chain of runs
 * @param now epoch milliseconds, by the workflow's clock
 */
export function openActor(input: SessionInput, chain: string, now: number): Actor {
  const { snapshot, continued } = input;
  const actor: Actor = {
    project: input.project,
    sessionId: input.sessionId,
    settings: input.settings,
    chain,
    identity: chain,
    writeNo: 0,
    state: emptySession(),
    balance: new Map(),
    user: undefined,
    shown: undefined,
    owesMore: false,
    reopenedAfter: continued ? continued.reopenedAfter : snapshot?.endReason,
    visitorsSince: input.visitorsSince,
    unproven:
      snapshot !== undefined && continued === undefined
        ? [...(snapshot.unproven ?? [])]
        : undefined,
    lastArrivalAt: continued?.lastArrivalAt ?? now,
    lastWriteAt: continued?.lastWriteAt,
    checkpointMs: undefined,
    endRequested: continued?.endRequested ?? false,
  };
  if (snapshot !== undefined) takeOver(actor, snapshot);
  receive(actor, input.batch, now);
  return actor;
}

/** Goes on from what an earlier run left behind. */
export function takeOver(actor: Actor, snapshot: SessionSnapshot): void {
  actor.identity = snapshot.identity;
  actor.writeNo = snapshot.writeNo;
  actor.state = stateFromWire(snapshot.state);
  actor.balance = fromWire(snapshot.balance);
  actor.user = snapshot.user;
  actor.shown = snapshot.shown;
  actor.visitorsSince = snapshot.visitorsSince;
}

/** Folds a batch in. Only what is new counts as an arrival: a redelivery keeps nobody awake. */
export function receive(actor: Actor, batch: AnyBatch, now: number): void {
  const before = actor.state.events;
  actor.checkpointMs = batch.checkpointMs;
  actor.unproven?.push(...eventsOf(batch));
  for (const { all, events } of groupsOf(batch)) {
    subtractAll(actor.balance, applyEvents(actor.state, events, batch.ackFloor, all));
  }
  if (actor.state.events > before) actor.lastArrivalAt = now;
}

/** Whether there is something that has not been written. */
export function isChanged({ shown, state, owesMore }: Actor): boolean {
  return shown?.events !== state.events || owesMore;
}

/** What the actor leaves behind. */
export function snapshotOf(actor: Actor, endReason?: EndReason): SessionSnapshot {
  return {
    version: 1,
    identity: actor.identity,
    writeNo: actor.writeNo,
    state: stateToWire(actor.state),
    balance: toWire(actor.balance),
    ...(actor.user && { user: actor.user }),
    ...(actor.shown && { shown: actor.shown }),
    ...(actor.unproven && { unproven: actor.unproven }),
    ...(endReason && { endReason }),
    ...(actor.visitorsSince !== undefined && { visitorsSince: actor.visitorsSince }),
  };
}

/** The argument of the run that goes on with the same life. */
export function continuation(actor: Actor, now: number): SessionInput {
  return {
    project: actor.project,
    sessionId: actor.sessionId,
    settings: actor.settings,
    batch: { events: actor.unproven ?? [], ackFloor: 0, sentAt: now },
    snapshot: snapshotOf(actor),
    continued: {
      lastArrivalAt: actor.lastArrivalAt,
      ...(actor.lastWriteAt !== undefined && { lastWriteAt: actor.lastWriteAt }),
      ...(actor.reopenedAfter && { reopenedAfter: actor.reopenedAfter }),
      ...(actor.endRequested && { endRequested: true }),
    },
  };
}
