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
  type RecognizedUser,
  type SessionSnapshot,
  takeOver,
} from './actor.ts';
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
import { ROLLUP_BYTES_MAX, ROLLUP_ROWS_MAX } from './limits.ts';
import { nextStep } from './next-step.ts';
import type { EndReason, Rollup, SessionRow, SessionStatus } from './rollup.ts';
import { applyEvents, factsOf, sessionRows } from './session.ts';
import type { SessionFacts } from './session-facts.ts';

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
