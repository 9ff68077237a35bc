/**
 * The session actor without its engine: what it knows, what it gets, and what it leaves behind.
 * `next-step.ts` says what it does next, `write.ts` how a write changes it; `workflows/session.ts`
 * gives it a clock, timers and activities, and tests give it crashes.
 */
import { type Act, type ActName, mergedActs, noteOf } from './acts.ts';
import { type AnyBatch, eventsOf, groupsOf } from './batch.ts';
import { addWireRows, type Balance, balanceRows, subtractRows } from './balance.ts';
import { CATALOGUE_VERSION, catalogueOf } from './catalogue.ts';
import type { Contributions, WireRow } from './contributions.ts';
import type { VisitorEvent } from './event.ts';
import { partitionOf } from './ids.ts';
import type { EndReason, SessionStatus } from './rollup.ts';
import { applyEvents, emptySession, isKnown, type SessionState } from './session.ts';
import {
  type SessionStateWire,
  stateFromWire,
  stateToWire,
  wideStateToWire,
  type WideStateWire,
} from './session-wire.ts';
import { decodeBalance, encodeBalance, type FamilyText } from './tables.ts';
import { type Turning, turnLeft } from './turning.ts';

export interface SessionSettings {
  /** An open session ends when no event has arrived for this long. */
  readonly idleTimeoutMs: number;
  /** At most one write in this time while open; null: only at the end. */
  readonly checkpointMs: number | null;
  /** A session reopened after an explicit end settles after this much quiet. */
  readonly lateGraceMs: number;
  /** Searches know what a session has become by its end; without it, as of before, by its last checkpoint. */
  readonly showsItsEnd?: true;
}

/** Whether the session's user was new when somebody looked. */
export interface RecognizedUser {
  readonly userId: string;
  readonly isNew: boolean;
}

/** A session asks whether its user is new. */
export interface Visit {
  readonly project: string;
  readonly sessionId: string;
  readonly userId: string;
  /** When it is asked, epoch milliseconds. */
  readonly at: number;
  /**
   * Claims of this session id from then on are this session's own: an earlier session of that id had
   * ended before. Epoch milliseconds; without it all are, which is right until the id comes again.
   */
  readonly since?: number;
  /** First run of the session, whose name was the claim of sessions before there was a better one. */
  readonly identity?: string;
}

/** The part of the last written `sessions` row that decides whether another write is due. */
interface Shown {
  readonly status: SessionStatus;
  readonly endReason?: EndReason;
  readonly excluded?: true;
  /** The version of the catalogue that it named, where that is another one than the session went by. */
  readonly catalogue?: number;
  readonly events: number;
}

/** Rows that events of the session add by themselves, and that no record holds yet. */
export interface Pending {
  readonly rows: number;
  /** At the most. */
  readonly bytes: number;
}

/** What a session leaves behind whatever the version. */
interface Left {
  readonly identity: string;
  readonly writeNo: number;
  readonly user?: RecognizedUser;
  /** See {@link Actor.userWaits}. */
  readonly userWaits?: true;
  readonly shown?: Shown;
  /** Events of a run that never proved it started from the latest state: they are folded in again. */
  readonly unproven?: readonly VisitorEvent[];
  readonly endReason?: EndReason;
  /** See {@link SessionInput}. */
  readonly visitorsSince?: number;
  /** See {@link Actor}. */
  readonly excluded?: true;
  readonly turning?: Turning;
  readonly wants?: boolean;
  readonly wishes?: number;
  readonly restated?: number;
  readonly acts?: readonly Act[];
}

/** What sessions left behind that had no bound in bytes. */
export interface WideSnapshot extends Left {
  readonly version: 1;
  readonly state: WideStateWire;
  /** Rows written so far, less those that events add by themselves. */
  readonly balance: readonly WireRow[];
}

/** At most `SNAPSHOT_BYTES_MAX`, and what a reopened run has not proven. */
export interface BoundedSnapshot extends Left {
  readonly version: 2;
  readonly state: SessionStateWire;
  /** Rows written so far, less those that events add by themselves. */
  readonly balance: readonly FamilyText[];
  readonly pending: Pending;
  /** More rows are owed than one record took. */
  readonly owesMore?: boolean;
  /** Partition of the rollup log that the session writes to, for its whole life. */
  readonly partition: number;
}

/** All that a settled session leaves behind for the run that may reopen it. */
export type SessionSnapshot = WideSnapshot | BoundedSnapshot;

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
  /** See {@link Actor.isOnlyTold}. */
  readonly isOnlyTold?: true;
}

/** The argument of the session workflow. */
export interface SessionInput {
  /** 2: all that the session keeps and sends is bounded in bytes. Ingests of before sent none. */
  readonly version?: 2;
  /**
   * Writes go along with the workflow task that decides on them (docs/decisions/027), and so their rows are not in
   * the history: each replay works them out again, by the catalogue of this version. A session that has lived before
   * goes on by the one it began with, so that all its rows are of one.
   */
  readonly rides?: { readonly catalogue: number };
  /** See {@link asBegun}. */
  readonly catalogue?: number;
  /** How many partitions the rollup log had when the session began; one where nobody says. */
  readonly partitions?: number;
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

/** Writes that one workflow task took as done, and what the actor was like before. */
export interface Rides {
  /** Tells tasks apart. */
  readonly task: number;
  readonly rows: WireRow[];
  readonly before: Pick<
    Actor,
    'writeNo' | 'pending' | 'user' | 'userWaits' | 'shown' | 'lastWriteAt'
  >;
}

export interface Actor {
  /** See {@link SessionInput.version}; what decides between steps must not change in a session's life. */
  readonly isBounded: boolean;
  readonly project: string;
  readonly sessionId: string;
  readonly settings: SessionSettings;
  /** See {@link SessionInput.rides}. */
  readonly rides: boolean;
  /** Numbers of writes under which the log holds something else, maybe: it is asked, by an activity. */
  readonly inQuestion: Set<number>;
  /** What the latest workflow task with such writes took as done. */
  latestRides: Rides | undefined;
  /** First run of the chain this run belongs to. */
  readonly chain: string;
  /** First run of the session. */
  identity: string;
  partition: number;
  /** Number of the last write known to be in the log. */
  writeNo: number;
  state: SessionState;
  balance: Balance;
  pending: Pending;
  user: RecognizedUser | undefined;
  /** The visitor store was away: whether the user is new has to be found out, and written, before the end. */
  userWaits: boolean;
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
  /** Batches that this run was told. */
  batches: number;
  /** An operator has taken it out of the numbers (`exclusion.ts`). */
  excluded: boolean;
  /** It is on its way out of them, or back. */
  turning: Turning | undefined;
  /** What an operator wants `excluded` to be. */
  wants: boolean | undefined;
  /** How often operators have wanted something of it, as far as this run knows. */
  wishes: number;
  /** It was an earlier run that was told so. */
  isWishInherited: boolean;
  /** Why that cannot be. */
  refused: string | undefined;
  /** The greatest version of the catalogue that operators have wanted it to go by (`restating.ts`); 0 where none has. */
  restated: number;
  /** Why it cannot. */
  restateRefused: string | undefined;
  /** What operators have asked of it, the latest last (`acts.ts`). */
  acts: readonly Act[];
  /** Opened after its end to be told something by an operator, and no event has come since: it has ended all the same. */
  isOnlyTold: boolean;
}

/** The argument of a run, as it was meant: those that do not say which catalogue they go by began with the first one. */
export function asBegun(input: SessionInput): SessionInput {
  return input.rides === undefined ? { ...input, catalogue: 1 } : input;
}

/**
 * An actor at the start of a run, its first batch folded in.
 * @param chain first run of this chain of runs
 * @param now epoch milliseconds, by the workflow's clock
 */
export function openActor(input: SessionInput, chain: string, now: number): Actor {
  const { snapshot, continued } = input;
  const isBounded = input.version === 2;
  const catalogue = catalogueOf(input.rides?.catalogue ?? input.catalogue ?? CATALOGUE_VERSION);
  const actor: Actor = {
    isBounded,
    rides: input.rides !== undefined,
    inQuestion: new Set(),
    latestRides: undefined,
    project: input.project,
    sessionId: input.sessionId,
    settings: input.settings,
    chain,
    identity: chain,
    partition: partitionOf(chain, input.partitions ?? 1),
    writeNo: 0,
    state: emptySession(isBounded, catalogue),
    balance: new Map(),
    pending: { rows: 0, bytes: 0 },
    user: undefined,
    userWaits: false,
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
    batches: 0,
    excluded: false,
    turning: undefined,
    wants: undefined,
    wishes: 0,
    isWishInherited: false,
    refused: undefined,
    restated: 0,
    restateRefused: undefined,
    acts: [],
    isOnlyTold: continued
      ? (continued.isOnlyTold ?? false)
      : snapshot !== undefined && eventsOf(input.batch).length === 0,
  };
  if (snapshot !== undefined) takeOver(actor, snapshot);
  receive(actor, input.batch, now);
  return actor;
}

/** Goes on from what an earlier run left behind. */
export function takeOver(actor: Actor, snapshot: SessionSnapshot): void {
  const wish = wishOf(actor);
  actor.identity = snapshot.identity;
  actor.writeNo = snapshot.writeNo;
  actor.state = stateFromWire(snapshot.state, actor.isBounded);
  if (snapshot.version === 2) {
    actor.balance = decodeBalance(snapshot.balance, actor.state.tallies);
    actor.pending = snapshot.pending;
    actor.owesMore = snapshot.owesMore ?? false;
    actor.partition = snapshot.partition;
  } else {
    actor.balance = new Map();
    addWireRows(actor.balance, snapshot.balance);
    actor.pending = { rows: 0, bytes: 0 };
    // There was one when nobody noted it.
    actor.partition = 0;
  }
  actor.user = snapshot.user;
  actor.userWaits = snapshot.userWaits ?? false;
  actor.shown = snapshot.shown;
  actor.visitorsSince = snapshot.visitorsSince;
  actor.excluded = snapshot.excluded ?? false;
  actor.turning = snapshot.turning;
  takeWish(actor, wish, snapshot);
  actor.restated = Math.max(actor.restated, snapshot.restated ?? 0);
  actor.acts = mergedActs(snapshot.acts ?? [], actor.acts);
}

/** What operators wanted last, as far as this run knows: fulfilled by now, or not. */
function wishOf({ wishes, refused, wants, excluded }: Actor): boolean | undefined {
  return wishes === 0 || refused !== undefined ? undefined : (wants ?? excluded);
}

/** What this run was told itself is the later wish; of two that it was not, the one that knows of more. */
function takeWish(
  actor: Actor,
  wish: boolean | undefined,
  { wants, wishes = 0 }: SessionSnapshot,
): void {
  const isLater = !actor.isWishInherited || actor.wishes > wishes;
  if (wish !== undefined && isLater) {
    actor.wants = wish;
    actor.wishes = Math.max(actor.wishes, wishes + 1);
    return;
  }
  actor.wants = wants;
  actor.wishes = Math.max(actor.wishes, wishes);
  actor.isWishInherited = true;
}

/**
 * Takes note of who asks for what. An end of which nobody says more is in its reason already; who excludes and says nothing
 * has excluded all the same, and not whoever did so before.
 * @param note whatever came along
 * @param at epoch milliseconds
 */
export function noteAct(actor: Actor, act: ActName, note: unknown, at: number): void {
  const said = noteOf(note);
  if (act === 'end' && said.by === undefined && said.reason === undefined) return;
  actor.acts = mergedActs(actor.acts, [{ act, at, ...said }]);
}

/** Folds a batch in. Only what is new counts as an arrival: a redelivery keeps nobody awake. */
export function receive(actor: Actor, batch: AnyBatch, now: number): void {
  const before = actor.state.events;
  actor.batches += 1;
  actor.checkpointMs = batch.checkpointMs;
  actor.unproven?.push(...eventsOf(batch));
  for (const { all, events } of groupsOf(batch)) {
    owe(actor, applyEvents(actor.state, events, batch.ackFloor, all));
  }
  if (actor.state.events === before) return;
  actor.lastArrivalAt = now;
  actor.isOnlyTold = false;
}

/** As many are remembered, the latest: anybody may ask, and who has to, asks again. */
const QUESTIONS_MAX = 16;

/** Takes note that the log may hold something else under a number; what is no such note is ignored. */
export function takeQuestion({ inQuestion }: Actor, question: unknown): void {
  if (typeof question !== 'object' || question === null || !('writeNo' in question)) return;
  const { writeNo } = question;
  if (typeof writeNo !== 'number') return;
  inQuestion.add(writeNo);
  const [oldest] = inQuestion;
  if (inQuestion.size > QUESTIONS_MAX && oldest !== undefined) inQuestion.delete(oldest);
}

/** Takes rows that events add by themselves as owed, where the session counts. */
export function owe(actor: Actor, rows: Contributions): void {
  if (actor.excluded) return;
  subtractRows(actor.balance, rows);
  let { bytes } = actor.pending;
  for (const key of rows.keys()) bytes += utf8Bytes(key) + 40;
  actor.pending = { rows: actor.pending.rows + rows.size, bytes };
}

/** At the most, and exact for text in ASCII: counted three times as large, one batch would fill what may be owed. */
function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) bytes += 2;
  return bytes;
}

/** Whether there is something that has not been written. */
export function isChanged({ shown, state, owesMore, excluded }: Actor): boolean {
  if (shown?.events !== state.events || owesMore || isExcludedIn(shown) !== excluded) return true;
  return shown.catalogue !== undefined && shown.catalogue !== state.catalogue.version;
}

function isExcludedIn(shown: Shown | undefined): boolean {
  return shown?.excluded ?? false;
}

/** What the actor leaves behind. */
export function snapshotOf(actor: Actor, endReason?: EndReason): SessionSnapshot {
  const left: Left = {
    identity: actor.identity,
    writeNo: actor.writeNo,
    ...(actor.user && { user: actor.user }),
    ...(actor.userWaits && { userWaits: true as const }),
    ...(actor.shown && { shown: actor.shown }),
    ...(actor.unproven && { unproven: actor.unproven }),
    ...(endReason && { endReason }),
    ...(actor.visitorsSince !== undefined && { visitorsSince: actor.visitorsSince }),
    ...turnLeft(actor),
    ...(actor.acts.length > 0 && { acts: actor.acts }),
  };
  if (!actor.isBounded) {
    const balance = balanceRows(actor.balance);
    return { version: 1, ...left, state: wideStateToWire(actor.state), balance };
  }
  return {
    version: 2,
    ...left,
    state: stateToWire(actor.state),
    balance: encodeBalance(actor.balance, actor.state.tallies),
    pending: actor.pending,
    ...(actor.owesMore && { owesMore: true }),
    partition: actor.partition,
  };
}

/** A snapshot with events that its run was not told: they count as unproven. */
export function snapshotWith(
  snapshot: SessionSnapshot,
  events: readonly VisitorEvent[],
): SessionSnapshot {
  const state = stateFromWire(snapshot.state);
  const input: SessionInput = {
    ...(snapshot.version === 2 && { version: 2 as const }),
    project: '',
    sessionId: '',
    settings: { idleTimeoutMs: 0, checkpointMs: null, lateGraceMs: 0 },
    batch: { events: events.filter((event) => !isKnown(state, [event])), ackFloor: 0 },
    snapshot,
  };
  return snapshotOf(openActor(input, snapshot.identity, 0), snapshot.endReason);
}

/** The argument of the run that goes on with the same life. */
export function continuation(actor: Actor, now: number): SessionInput {
  return {
    ...(actor.isBounded && { version: 2 as const }),
    ...(actor.rides && { rides: { catalogue: actor.state.catalogue.version } }),
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
      ...(actor.isOnlyTold && { isOnlyTold: true as const }),
    },
  };
}
