/**
 * The session actor without its engine: what it knows, what it does next, and how a write changes
 * it. `workflows/session.ts` gives it a clock, timers and activities; tests give it crashes.
 *
 * Exactness rests on one rule. A write has a number, its content is kept by the log under that
 * number, and a second attempt takes over what the first one wrote. So `balance` is always what the
 * log really holds, and the next difference makes up for whatever came in between.
 */
import { type AnyBatch, eventsOf, groupsOf } from './batch.ts';
import {
  addRows,
  type Contributions,
  difference,
  fromWire,
  type KeyedRow,
  subtractAll,
  toWire,
  type WireRow,
} from './contributions.ts';
import type { VisitorEvent } from './event.ts';
import { OWED_ROWS_MAX, ROLLUP_BYTES_MAX, ROLLUP_ROWS_MAX } from './limits.ts';
import type { EndReason, Rollup, SessionRow, SessionStatus } from './rollup.ts';
import {
  applyEvents,
  emptySession,
  factsOf,
  type SessionFacts,
  sessionRows,
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
  endRequested: boolean;
}

/** What a write needs to know; everything in it is frozen while the write is under way. */
export interface WriteRequest {
  readonly project: string;
  readonly sessionId: string;
  readonly identity: string;
  readonly writeNo: number;
  readonly by: string;
  readonly facts: SessionFacts;
  readonly balance: readonly WireRow[];
  readonly user?: RecognizedUser;
  /** See {@link SessionInput}; absent in sessions begun before there was one. */
  readonly visitorsSince?: number;
  readonly status: SessionStatus;
  readonly endReason?: EndReason;
  readonly updatedAt: number;
}

/** The record that the log holds under the write's number: ours, or one that was there first. */
export interface WriteResult {
  readonly by: string;
  /** When the write was decided, by the session's clock. */
  readonly at?: number;
  readonly rows: readonly WireRow[];
  readonly status: SessionStatus;
  readonly endReason?: EndReason;
  readonly events: number;
  readonly user?: RecognizedUser;
  readonly owesMore: boolean;
}

export type Step =
  | { readonly do: 'write'; readonly status: SessionStatus; readonly endReason?: EndReason }
  | { readonly do: 'end'; readonly reason: EndReason }
  | { readonly do: 'wait'; readonly until: number };

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
    endRequested: continued?.endRequested ?? false,
  };
  if (snapshot !== undefined) takeOver(actor, snapshot);
  receive(actor, input.batch, now);
  return actor;
}

function takeOver(actor: Actor, snapshot: SessionSnapshot): void {
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

/** What the actor does next. Total: every state has exactly one next step. */
export function nextStep(actor: Actor, now: number): Step {
  const { settings, shown, lastWriteAt } = actor;
  const reason = endReasonOf(actor, now);
  const changed = isChanged(actor);
  if (reason !== undefined) {
    return changed || shown?.status !== 'ended' || shown.endReason !== reason
      ? { do: 'write', status: 'ended', endReason: reason }
      : { do: 'end', reason };
  }

  const quietAt = quietDeadline(actor);
  if (!changed) return { do: 'wait', until: quietAt };
  const { checkpointMs } = settings;
  const writeAt =
    actor.owesMore || actor.balance.size > OWED_ROWS_MAX
      ? now
      : checkpointMs === null
        ? Infinity
        : (lastWriteAt ?? now - checkpointMs) + checkpointMs;
  if (writeAt > now) return { do: 'wait', until: Math.min(quietAt, writeAt) };
  return { do: 'write', ...openWrite(actor) };
}

/** A write before the end. A session that takes late events after its end has ended all the same. */
export function openWrite(actor: Actor): {
  readonly status: SessionStatus;
  readonly endReason?: EndReason;
} {
  return isLateRun(actor)
    ? { status: 'ended', endReason: settledReason(actor) }
    : { status: 'open' };
}

/** A run that only absorbs late events of a session that was ended on purpose. */
function isLateRun({ reopenedAfter }: Actor): boolean {
  return reopenedAfter !== undefined && reopenedAfter !== 'idle';
}

function quietDeadline(actor: Actor): number {
  const { lateGraceMs, idleTimeoutMs } = actor.settings;
  return actor.lastArrivalAt + (isLateRun(actor) ? lateGraceMs : idleTimeoutMs);
}

function endReasonOf(actor: Actor, now: number): EndReason | undefined {
  if (actor.endRequested) return actor.state.endSeen ? 'session_end' : 'operator';
  if (isLateRun(actor)) {
    if (now < quietDeadline(actor)) return undefined;
    return settledReason(actor);
  }
  if (actor.state.endSeen) return 'session_end';
  return now >= quietDeadline(actor) ? 'idle' : undefined;
}

/** Why a session that only absorbs late events had ended; a `session_end` among them is the truth. */
function settledReason({ state, reopenedAfter }: Actor): EndReason {
  return state.endSeen ? 'session_end' : (reopenedAfter ?? 'session_end');
}

/** What is to be written of the session now; what of it is written already comes with a request. */
type Write = Omit<WriteRequest, 'balance'>;

/** The next write, frozen. */
export function writeRequest(
  actor: Actor,
  step: { readonly status: SessionStatus; readonly endReason?: EndReason },
  now: number,
): WriteRequest {
  return { ...nextWrite(actor, step, now), balance: toWire(actor.balance) };
}

function nextWrite(
  actor: Actor,
  step: { readonly status: SessionStatus; readonly endReason?: EndReason },
  now: number,
): Write {
  const facts = factsOf(actor.state);
  // Ingest sends no empty batch, so a session without events is a bug.
  if (facts === undefined) throw new RangeError('a session without events has nothing to write');
  const userId = facts.attributes.userId;
  const user = actor.user !== undefined && actor.user.userId === userId ? actor.user : undefined;
  return {
    project: actor.project,
    sessionId: actor.sessionId,
    identity: actor.identity,
    writeNo: actor.writeNo + 1,
    by: actor.chain,
    facts,
    ...(user && { user }),
    ...(actor.visitorsSince !== undefined && { visitorsSince: actor.visitorsSince }),
    status: step.status,
    ...(step.endReason && { endReason: step.endReason }),
    updatedAt: now,
  };
}

/**
 * The record for a write, as the activity publishes it.
 * @param user the session's user as recognised, where it has one
 */
export function rollupFor(request: WriteRequest, user: RecognizedUser | undefined): Rollup {
  const facts = factsWith(request.facts, user);
  return rollupOf(request, facts, rowsOwed(facts, fromWire(request.balance)));
}

/** As many rows as one record takes. */
function rowsOwed(facts: SessionFacts, written: Contributions): Pick<Rollup, 'rows' | 'owesMore'> {
  const owed = toWire(difference(sessionRows(facts), written));
  const rows = firstRows(owed);
  return { rows, owesMore: rows.length < owed.length };
}

function factsWith(facts: SessionFacts, user: RecognizedUser | undefined): SessionFacts {
  return user === undefined ? facts : { ...facts, newUser: user.isNew };
}

function rollupOf(
  write: Write,
  facts: SessionFacts,
  owed: Pick<Rollup, 'rows' | 'owesMore'>,
): Rollup {
  const { project, sessionId, identity, writeNo, by, status, endReason, updatedAt } = write;
  const { tallies: _tallies, ...shown } = facts;
  const session: SessionRow = { ...shown, status, ...(endReason && { endReason }), updatedAt };
  return { version: 2, project, sessionId, identity, writeNo, by, ...owed, session };
}

/**
 * A new session's first write, where there is one to do at once.
 * @param actor as its workflow will open it; its run need not be known
 * @param user the session's user as recognised, where it has one
 */
export function planOpening(
  actor: Actor,
  user: RecognizedUser | undefined,
  now: number,
): Opening | undefined {
  const step = nextStep(actor, now);
  if (step.do !== 'write') return undefined;
  const { status, endReason } = step;
  const { facts } = nextWrite(actor, step, now);
  return {
    status,
    ...(endReason && { endReason }),
    ...rowsOwed(factsWith(facts, user), actor.balance),
    ...(user && { user }),
  };
}

/**
 * Takes the first write as done.
 * @returns its record, which has to be in the log before anybody else may learn of that
 */
export function takeOpening(actor: Actor, opening: Opening, now: number): Rollup {
  const { rows, owesMore, user } = opening;
  const write = nextWrite(actor, opening, now);
  const rollup = rollupOf(write, factsWith(write.facts, user), { rows, owesMore });
  confirmWrite(actor, writeResult(rollup), now);
  return rollup;
}

function firstRows(owed: readonly KeyedRow[]): readonly KeyedRow[] {
  let bytes = 0;
  const end = owed.findIndex(([key], index) => {
    // Three bytes a character is the most UTF-8 needs for one UTF-16 unit.
    bytes += 40 + key.length * 3;
    return index >= ROLLUP_ROWS_MAX || (index > 0 && bytes > ROLLUP_BYTES_MAX);
  });
  return end === -1 ? owed : owed.slice(0, end);
}

/** What the log holds under a number, as the actor takes it over. */
export function writeResult({ by, rows, owesMore, session }: Rollup): WriteResult {
  const userId = session.attributes.userId;
  return {
    by,
    at: session.updatedAt,
    rows,
    status: session.status,
    ...(session.endReason && { endReason: session.endReason }),
    events: session.events,
    ...(userId !== undefined &&
      session.newUser !== undefined && { user: { userId, isNew: session.newUser } }),
    owesMore,
  };
}

/**
 * Takes over what the log holds under the next write number.
 * @returns false where another chain wrote it: this run started from a stale snapshot, and has to be
 *   {@link rebase}d on that chain's
 */
export function confirmWrite(actor: Actor, result: WriteResult, now: number): boolean {
  if (result.by !== actor.chain) return false;
  takeWrite(actor, result);
  actor.unproven = undefined;
  actor.lastWriteAt = result.at ?? now;
  return true;
}

function takeWrite(actor: Actor, result: WriteResult): void {
  addRows(actor.balance, result.rows);
  actor.writeNo += 1;
  actor.user = result.user;
  const { status, endReason, events } = result;
  actor.shown = { status, ...(endReason && { endReason }), events };
  actor.owesMore = result.owesMore;
}

/**
 * Starts again from the latest state: another reopening came between this run's snapshot and its
 * start. The fold is commutative, so this run's own events are simply folded in once more.
 * @param foreign the write that gave it away; taken over as well where the snapshot lacks it (its
 *   chain was terminated before it could remember)
 */
export function rebase(actor: Actor, snapshot: SessionSnapshot, foreign: WriteResult): void {
  const mine = [...(actor.unproven ?? []), ...(snapshot.unproven ?? [])];
  const foreignNo = actor.writeNo + 1;
  // A terminated chain may have forgotten more than its last write: what was learnt here stays.
  if (snapshot.writeNo >= actor.writeNo) takeOver(actor, snapshot);
  if (actor.writeNo < foreignNo) takeWrite(actor, foreign);
  // Its events and these may be others and yet as many, so the count proves nothing this time.
  actor.owesMore = true;
  actor.unproven = mine;
  subtractAll(actor.balance, applyEvents(actor.state, mine));
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
