/**
 * What a session writes, and how a write changes it.
 *
 * Exactness rests on one rule. A write has a number, its content is kept by the log under that
 * number, and a second attempt takes over what the first one wrote. So `balance` is always what the
 * log really holds, and the next difference makes up for whatever came in between.
 */
import {
  type Actor,
  type Opening,
  owe,
  type RecognizedUser,
  snapshotOf,
  type SessionSnapshot,
  takeOver,
  type Visit,
} from './actor.ts';
import {
  addWireRows,
  type Balance,
  type Owed,
  owedRows,
  rowBytes,
  subtractRows,
} from './balance.ts';
import type { Catalogue } from './catalogue.ts';
import { fromWire, keyedRow, type KeyedRow, toWire, type WireRow } from './contributions.ts';
import { ROLLUP_BYTES_MAX, ROLLUP_ROWS_MAX } from './limits.ts';
import { nextStep } from './next-step.ts';
import type { EndReason, Rollup, SessionRow, SessionStatus } from './rollup.ts';
import { applyEvents, figuresOf, sessionTables } from './session.ts';
import type { SessionFigures } from './session-facts.ts';
import type { TakenTraces } from './traces.ts';
import { rollupOfWide, type WideRequest } from './wide-request.ts';

/**
 * A write, worked out by the session but for whether its user is new: the record, and no more, so a request is as
 * large as a record may be, whatever the session is. All of it is frozen while the write is under way.
 */
export interface WriteRequest {
  readonly version: 2;
  readonly rollup: Rollup;
  /** The session's user, where somebody has looked. */
  readonly user?: RecognizedUser;
  /** The session makes up for it where its user cannot be looked up now. */
  readonly userMayWait?: true;
  /** Rows to be added where the session has a user of whom nobody knows yet. */
  readonly userRows?: {
    readonly whereNew: readonly KeyedRow[];
    readonly whereNot: readonly KeyedRow[];
  };
  /** See `SessionInput`; absent in sessions begun before there was one. */
  readonly visitorsSince?: number;
  /** Traces of the events in it, where they are recorded. */
  readonly traces?: TakenTraces;
}

/** As sessions ask today, or asked while they had no bound in bytes. */
export type AnyRequest = WriteRequest | WideRequest;

/** The record that the log holds under the write's number: ours, or one that was there first. */
export interface WriteResult {
  readonly by: string;
  /** The run whose result knows of it, as the log may not any more: see `activities/reset-runs.ts`. */
  readonly from?: string;
  /** When the write was decided, by the session's clock. */
  readonly at?: number;
  readonly rows: readonly WireRow[];
  readonly status: SessionStatus;
  readonly endReason?: EndReason;
  readonly excluded?: true;
  /** The version of the catalogue that it names; records that were taken over long ago do not say it. */
  readonly catalogue?: number;
  readonly events: number;
  readonly user?: RecognizedUser;
  /** The session has a user, and nobody could say yet whether a new one. */
  readonly userWaits?: true;
  readonly owesMore: boolean;
}

/** The state and reason that a write shows. */
interface Shows {
  readonly status: SessionStatus;
  readonly endReason?: EndReason;
}

const RECORD_MAX = { rows: ROLLUP_ROWS_MAX, bytes: ROLLUP_BYTES_MAX } as const;

/** The next write, frozen. */
export function writeRequest(actor: Actor, shows: Shows, now: number): WriteRequest {
  const figures = figuresNow(actor);
  const user = userOf(actor, figures);
  return {
    version: 2,
    rollup: rollupOf(actor, shows, withUser(figures, user), rowsOwed(actor, figures, user), now),
    ...(user && { user }),
    ...(figures.attributes.userId !== undefined &&
      user === undefined && {
        userMayWait: true as const,
        userRows: actor.excluded ? NO_USER_ROWS : userRows(figures, actor.state.catalogue),
      }),
    ...(actor.visitorsSince !== undefined && { visitorsSince: actor.visitorsSince }),
  };
}

/** A session that does not count asks about its user all the same: it may count again. */
const NO_USER_ROWS = { whereNew: [], whereNot: [] } as const;

function figuresNow({ state }: Actor): SessionFigures {
  const figures = figuresOf(state);
  // Ingest sends no empty batch, so a session without events is a bug.
  if (figures === undefined) throw new RangeError('a session without events has nothing to write');
  return figures;
}

/** The session's user, where somebody has looked. */
function userOf({ user }: Actor, { attributes }: SessionFigures): RecognizedUser | undefined {
  return user !== undefined && user.userId === attributes.userId ? user : undefined;
}

function withUser(figures: SessionFigures, user: RecognizedUser | undefined): SessionFigures {
  return user === undefined ? figures : { ...figures, newUser: user.isNew };
}

/** As many rows as one record takes. */
function rowsOwed(actor: Actor, figures: SessionFigures, user: RecognizedUser | undefined): Owed {
  const { tallies, catalogue } = actor.state;
  const target = actor.excluded
    ? new Map<string, never>()
    : sessionTables(withUser(figures, user), tallies, catalogue);
  return owedRows(target, actor.balance, RECORD_MAX);
}

/** What there is more where the user is new, and where not. */
function userRows(
  figures: SessionFigures,
  catalogue: Catalogue,
): NonNullable<WriteRequest['userRows']> {
  const none = new Map<string, never>();
  const without: Balance = new Map(
    Array.from(sessionTables(figures, none, catalogue), ([family, table]) => [
      family,
      new Map(table),
    ]),
  );
  const more = (newUser: boolean) =>
    owedRows(sessionTables({ ...figures, newUser }, none, catalogue), without, RECORD_MAX).rows;
  return { whereNew: more(true), whereNot: more(false) };
}

function rollupOf(
  { project, sessionId, identity, writeNo, partition, chain, state, excluded }: Actor,
  { status, endReason }: Shows,
  figures: SessionFigures,
  { rows, owesMore }: Pick<Rollup, 'rows' | 'owesMore'>,
  updatedAt: number,
): Rollup {
  const { version: catalogue } = state.catalogue;
  const session: SessionRow = {
    ...figures,
    status,
    ...(endReason && { endReason }),
    ...(excluded && { excluded }),
    ...(catalogue > 1 && { catalogue }),
    updatedAt,
  };
  return {
    version: 2,
    project,
    sessionId,
    identity,
    writeNo: writeNo + 1,
    ...(partition !== 0 && { partition }),
    by: chain,
    rows,
    owesMore,
    session,
  };
}

/** What the activity needs to know before it can make the record: whose the session is, and whether that is known. */
export function askedOf(request: AnyRequest): {
  readonly project: string;
  readonly sessionId: string;
  readonly identity: string;
  readonly at: number;
  readonly userId: string | undefined;
  /** See {@link WriteRequest.userMayWait}. */
  readonly mayWait: boolean;
} {
  if (!('version' in request)) {
    const { project, sessionId, identity, updatedAt: at, facts } = request;
    return { project, sessionId, identity, at, userId: facts.attributes.userId, mayWait: false };
  }
  const { project, sessionId, identity, session } = request.rollup;
  const { updatedAt: at, attributes } = session;
  const mayWait = request.userMayWait ?? false;
  return { project, sessionId, identity, at, userId: attributes.userId, mayWait };
}

/**
 * The record for a write, as the activity publishes it.
 * @param user the session's user as recognised, where it has one
 */
export function rollupFor(request: AnyRequest, user: RecognizedUser | undefined): Rollup {
  if (!('version' in request)) return rollupOfWide(request, user);
  const { rollup, userRows: more } = request;
  if (user === undefined || more === undefined) return rollup;
  return {
    ...rollup,
    rows: toWire(fromWire([...rollup.rows, ...(user.isNew ? more.whereNew : more.whereNot)])),
    session: { ...rollup.session, newUser: user.isNew },
  };
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
  return {
    status,
    ...(endReason && { endReason }),
    ...rowsOwed(actor, figuresNow(actor), user),
    ...(user && { user }),
  };
}

/**
 * Takes the first write as done.
 * @returns its record, which has to be in the log before anybody else may learn of that
 */
export function takeOpening(actor: Actor, opening: Opening, now: number): Rollup {
  const rollup = rollupOf(actor, opening, withUser(figuresNow(actor), opening.user), opening, now);
  confirmWrite(actor, writeResult(rollup), now);
  return rollup;
}

/**
 * A write that goes along with the workflow task that decides on it, taken as done.
 * @param task tells one workflow task from the others
 * @returns its record, which has to be in the log before that task ends; undefined where the write needs an
 *   activity: the log has to be asked what it holds, or somebody whether the session's user is new
 */
export function takeRide(
  actor: Actor,
  shows: Shows,
  now: number,
  task: number,
): Rollup | undefined {
  if (!actor.rides || actor.unproven !== undefined) return undefined;
  if (actor.inQuestion.has(actor.writeNo + 1)) return undefined;
  const figures = figuresNow(actor);
  const user = userOf(actor, figures);
  if (figures.attributes.userId !== undefined && user === undefined) return undefined;
  const owed = rowsOwed(actor, figures, user);
  const rollup = rollupOf(actor, shows, withUser(figures, user), owed, now);
  if (actor.latestRides?.task !== task) {
    const { writeNo, pending, user: userBefore, userWaits, shown, lastWriteAt } = actor;
    const before = { writeNo, pending, user: userBefore, userWaits, shown, lastWriteAt };
    actor.latestRides = { task, rows: [], before };
  }
  actor.latestRides.rows.push(...rollup.rows);
  confirmWrite(actor, writeResult(rollup), now);
  return rollup;
}

/**
 * The snapshot of a run of which nobody knows whether its latest workflow task was ended, and so whether the log holds
 * what went along with it: as if it did not. Where it does, it is found there, under its number.
 * @param task the latest one
 */
export function unsureSnapshot(actor: Actor, task: number, endReason?: EndReason): SessionSnapshot {
  const { latestRides: rides } = actor;
  if (rides?.task !== task) return snapshotOf(actor, endReason);
  const balance: Balance = new Map(
    Array.from(actor.balance, ([family, table]) => [family, new Map(table)]),
  );
  subtractRows(balance, fromWire(rides.rows));
  const { before } = rides;
  const pending = {
    rows: before.pending.rows + actor.pending.rows,
    bytes: before.pending.bytes + actor.pending.bytes,
  };
  return snapshotOf({ ...actor, ...before, balance, pending, owesMore: true }, endReason);
}

/** Whether two records say the same, whenever each was made. */
export function isSameWrite(one: Rollup, other: Rollup): boolean {
  const told = (rollup: Rollup) => JSON.stringify({ ...writeResult(rollup), at: 0 });
  return told(one) === told(other);
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
    ...(session.excluded && { excluded: true as const }),
    catalogue: session.catalogue ?? 1,
    events: session.events + (session.heartbeats ?? 0),
    ...(userId !== undefined &&
      (session.newUser === undefined
        ? { userWaits: true as const }
        : { user: { userId, isNew: session.newUser } })),
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

/**
 * Whether the log held another record than was asked for, and of as many events: by their number the session would take
 * it for all that it has. An earlier attempt at the same write knew no others. But where Temporal was put back to an
 * older copy, the log has writes that the session has forgotten, of events that it does not know.
 */
export function isOfOthers(request: WriteRequest, result: WriteResult): boolean {
  const own = writeResult(rollupFor(request, result.user));
  return own.events === result.events && JSON.stringify(own.rows) !== JSON.stringify(result.rows);
}

function takeWrite(actor: Actor, result: WriteResult): void {
  addWireRows(actor.balance, result.rows);
  actor.writeNo += 1;
  actor.user = result.user;
  actor.userWaits = result.userWaits ?? false;
  const { status, endReason, excluded, catalogue, events } = result;
  const isOther = catalogue !== undefined && catalogue !== actor.state.catalogue.version;
  actor.shown = {
    status,
    ...(endReason && { endReason }),
    ...(excluded && { excluded }),
    ...(isOther && { catalogue }),
    events,
  };
  actor.owesMore = result.owesMore;
  if (!result.owesMore) actor.pending = { rows: 0, bytes: 0 };
}

/** Whom a session has to ask about before it can end; the time is that of its newest write. */
export function visitOf(actor: Actor, now: number): Visit {
  const { project, sessionId, identity, visitorsSince: since } = actor;
  const { userId } = figuresNow(actor).attributes;
  if (userId === undefined) throw new RangeError('a session without a user owes none');
  return {
    project,
    sessionId,
    userId,
    at: actor.lastWriteAt ?? now,
    identity,
    ...(since !== undefined && { since }),
  };
}

/** Takes over what was found out about the session's user: there is something to write again. */
export function takeUser(actor: Actor, user: RecognizedUser): void {
  actor.user = user;
  actor.userWaits = false;
  actor.owesMore = true;
}

/**
 * Starts again from the latest state: another reopening came between this run's snapshot and its
 * start. The fold is commutative, so this run's own events are simply folded in once more.
 * @param snapshot null where the other one is lost with all that it was told: then its write is taken over, and the
 *   next one makes it what this session knows
 * @param foreign the write that gave it away; taken over as well where the snapshot lacks it (its
 *   chain was terminated before it could remember)
 */
export function rebase(actor: Actor, snapshot: SessionSnapshot | null, foreign: WriteResult): void {
  if (snapshot === null && foreign.from !== undefined) {
    // Gone between two questions: it is no write of the log that could be taken over, so the session asks once more.
    actor.owesMore = true;
    return;
  }
  const mine = [...(actor.unproven ?? []), ...(snapshot?.unproven ?? [])];
  const foreignNo = actor.writeNo + 1;
  // A terminated chain may have forgotten more than its last write: what was learnt here stays.
  if (snapshot !== null && snapshot.writeNo >= actor.writeNo) takeOver(actor, snapshot);
  if (actor.writeNo < foreignNo) takeWrite(actor, foreign);
  // Its events and these may be others and yet as many, so the count proves nothing this time.
  actor.owesMore = true;
  actor.unproven = mine;
  owe(actor, applyEvents(actor.state, mine));
}

/** Bytes that a result takes, at the most. */
export function resultBytes({ rows }: WriteResult): number {
  return rowsBytes(rows) + 200;
}

/** Bytes that rows take as they travel, at the most. */
function rowsBytes(rows: readonly WireRow[]): number {
  return rows.reduce((bytes, row) => bytes + rowBytes(keyedRow(row)), 0);
}
