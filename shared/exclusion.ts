/**
 * Whether a session counts. An operator takes a session out of the numbers, and puts it back: what it has counted is
 * written off, or written again, to the last row.
 *
 * A session keeps what it has written less what its events add by themselves, so the latter has to be found out first:
 * its events are read again from the histories of its runs, and folded again. What they add comes in pages, each of
 * which one or two records take, so a session with very many rows turns within the bounds of every other one.
 *
 *   counted    balance = written − rows of events     target: the rows of the session as a whole
 *   excluded   balance = written                      target: nothing
 */
import { lastRefused } from './acts.ts';
import { type Actor, owe } from './actor.ts';
import { addWireRows, balanceRows, rowBytes, rowKeyOf } from './balance.ts';
import type { AnyBatch } from './batch.ts';
import {
  addAll,
  addAmount,
  type Contributions,
  difference,
  fromWire,
  type KeyedRow,
  toWire,
} from './contributions.ts';
import { formatDecimal } from './decimal.ts';
import { fnv1a } from './fnv.ts';
import { EVENT_IDS_MAX, OWED_BYTES_MAX, OWED_ROWS_MAX } from './limits.ts';
import { foldBy, goBy, keptByCatalogue, type KeptByCatalogue, restatesOf } from './restating.ts';
import { figuresOf, type SessionState, sessionTables } from './session.ts';
import { isToTurn, type Proof, type Restates, type Turning } from './turning.ts';

/** What a session asks for: the next page of what its events have added by themselves. */
export interface EventRowsRequest {
  readonly project: string;
  readonly sessionId: string;
  readonly identity: string;
  /** The version of the catalogue that the session goes by. */
  readonly catalogue: number;
  readonly isBounded: boolean;
  readonly turning: Turning;
}

/** In the order of their keys. */
export interface EventRowsPage {
  readonly rows: readonly KeyedRow[];
  readonly isLast: boolean;
  /** With the first page of a session that goes over to another version: what it keeps by that. */
  readonly kept?: KeptByCatalogue;
}

/** Why what events have added cannot be told exactly: one sentence. */
export interface Refusal {
  readonly refused: string;
}

/** An operator wants the session to count, or not to. */
export function want(actor: Actor, isExcluded: boolean): void {
  actor.wants = isExcluded;
  actor.wishes += 1;
  actor.isWishInherited = false;
  actor.refused = undefined;
}

/** Begins to do what the operator wants; nothing changes before the first page. @param runId the run that does */
export function turn(actor: Actor, runId: string): void {
  const { batches, state } = actor;
  const restates = isToTurn(actor) ? undefined : restatesOf(actor);
  actor.turning = { runId, batches, proof: proofOf(state), ...(restates && { restates }) };
}

/** What is asked for next. @throws RangeError where the session does not turn */
export function eventRowsRequest(actor: Actor): EventRowsRequest {
  const { project, sessionId, identity, isBounded, state, turning } = actor;
  if (turning === undefined) throw new RangeError('a session that does not turn asks for nothing');
  const { version: catalogue } = state.catalogue;
  return { project, sessionId, identity, catalogue, isBounded, turning };
}

/** Takes a page over, which is written next; or that there is none. */
export function takePage(actor: Actor, page: EventRowsPage | Refusal): void {
  const { turning } = actor;
  if (turning === undefined) return;
  if ('refused' in page) {
    refuse(actor, turning, page.refused);
    return;
  }
  const isBegun = turning.after !== undefined || begin(actor, turning, page);
  if (!isBegun) {
    // It has been told more since, and has to ask again.
    actor.turning = undefined;
    return;
  }
  const { rows } = page;
  // What is taken out of the numbers owes nothing by any definition.
  const isLast = page.isLast || (actor.excluded && turning.restates !== undefined);
  if (actor.excluded && turning.restates === undefined) {
    addWireRows(actor.balance, rows);
    actor.pending = pendingWith(actor, rows);
  } else owe(actor, fromWire(rows));
  const after = rows.at(-1)?.[0] ?? turning.after ?? '';
  actor.turning = isLast ? undefined : { ...turning, after };
  actor.owesMore = true;
}

/** Bytes that a page takes as it travels, at the most. */
export function pageBytes({ rows, kept }: EventRowsPage): number {
  const ofKept = kept === undefined ? 0 : JSON.stringify(kept).length * 3;
  return rows.reduce((bytes, row) => bytes + rowBytes(row), ofKept);
}

function refuse(actor: Actor, { restates }: Turning, refused: string): void {
  actor.turning = undefined;
  if (restates !== undefined) {
    actor.restated = 0;
    actor.restateRefused = refused;
    return;
  }
  actor.wants = undefined;
  actor.refused = refused;
  actor.acts = lastRefused(actor.acts);
}

/** @returns false where what was asked for is not what is needed any more */
function begin(actor: Actor, { batches, restates }: Turning, { kept }: EventRowsPage): boolean {
  if (actor.batches !== batches) return false;
  if (restates !== undefined) {
    if (kept === undefined || actor.state.catalogue.version !== restates.from) return false;
    goBy(actor, restates.to, kept);
    return true;
  }
  if (actor.wants === undefined || actor.wants === actor.excluded) return false;
  actor.excluded = actor.wants;
  actor.wants = undefined;
  return true;
}

/** Rows that are to be taken back are carried as those that are owed. */
function pendingWith({ pending }: Actor, rows: readonly KeyedRow[]): Actor['pending'] {
  const bytes = rows.reduce((sum, row) => sum + rowBytes(row), pending.bytes);
  return { rows: pending.rows + rows.length, bytes };
}

/** What a session was told, folded once more. */
export interface ToldAgain {
  readonly proof: Proof;
  readonly rows: Contributions;
  /** See {@link EventRowsPage}. */
  readonly kept?: KeptByCatalogue;
}

/**
 * @param batches in the order in which the session was told them
 * @param restates where given, the rows are what its second version adds to those of the first
 */
export function foldAgain(
  batches: Iterable<AnyBatch>,
  { catalogue, isBounded }: Pick<EventRowsRequest, 'catalogue' | 'isBounded'>,
  restates?: Restates,
): ToldAgain {
  const told = [...batches];
  if (restates === undefined) {
    const { state, rows } = foldBy(catalogue, told, { isBounded });
    return { proof: proofOf(state), rows };
  }
  const before = foldBy(restates.from, told, { isBounded });
  const { state, rows } = foldBy(restates.to, told, { isBounded });
  return {
    proof: proofOf(state),
    rows: difference(rows, before.rows),
    kept: keptByCatalogue(state),
  };
}

/** As many rows as follow in one page, in the order of their keys (by code units, as text is compared). */
export function pageOf(rows: Contributions, after: string | undefined): EventRowsPage {
  const keys = [...rows.keys()].filter((key) => after === undefined || key > after).sort();
  const page: Contributions = new Map();
  let bytes = 0;
  for (const key of keys) {
    const amount = rows.get(key);
    if (amount === undefined) continue;
    const size = rowBytes([key, formatDecimal(amount.value), amount.count]);
    const isFull = page.size >= OWED_ROWS_MAX || bytes + size > OWED_BYTES_MAX;
    if (page.size > 0 && isFull) return { rows: toWire(page), isLast: false };
    page.set(key, amount);
    bytes += size;
  }
  return { rows: toWire(page), isLast: true };
}

export function proofOf(state: SessionState): Proof {
  const { events, pageViews, conversions, revenue, firstEventAt, lastEventAt } = state;
  return {
    events,
    pageViews,
    conversions,
    revenue: formatDecimal(revenue),
    ...(firstEventAt !== undefined && { firstEventAt }),
    ...(lastEventAt !== undefined && { lastEventAt }),
    // Which of many are forgotten depends on how they travelled.
    ids: events > EVENT_IDS_MAX ? 0 : sumOfIds(state.ids.keys()),
  };
}

export function isSameProof(one: Proof, other: Proof): boolean {
  return (
    one.events === other.events &&
    one.pageViews === other.pageViews &&
    one.conversions === other.conversions &&
    one.revenue === other.revenue &&
    one.firstEventAt === other.firstEventAt &&
    one.lastEventAt === other.lastEventAt &&
    one.ids === other.ids
  );
}

/** Of each, added up: the same in whatever order they came. */
function sumOfIds(ids: Iterable<string>): number {
  let sum = 0;
  for (const id of ids) sum = (sum + fnv1a(id)) >>> 0;
  return sum;
}

/**
 * All that would be added to the numbers, were the session to turn now.
 * @param again what its events add by themselves
 */
export function rowsOfTurn(actor: Actor, again: ToldAgain): Contributions {
  const { excluded, state, user } = actor;
  const written = fromWire(balanceRows(actor.balance));
  if (!excluded) {
    addAll(written, again.rows);
    return difference(new Map(), written);
  }
  const counted: Contributions = new Map(again.rows);
  const isUserKnown = user !== undefined && user.userId === state.attributes.get('userId')?.value;
  const figures = figuresOf(state, isUserKnown ? user.isNew : undefined);
  if (figures === undefined) return counted;
  for (const [family, table] of sessionTables(figures, state.tallies, state.catalogue)) {
    for (const [bucket, amount] of table) addAmount(counted, rowKeyOf(family, bucket), amount);
  }
  return difference(counted, written);
}
