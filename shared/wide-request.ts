/**
 * Requests of sessions that had no bound in bytes: the session in figures, and all that it has written. An activity
 * that was asked so before an upgrade is done after it.
 */
import type { RecognizedUser } from './actor.ts';
import { difference, fromWire, type KeyedRow, toWire, type WireRow } from './contributions.ts';
import { ROLLUP_BYTES_MAX, ROLLUP_ROWS_MAX } from './limits.ts';
import type { EndReason, Rollup, SessionStatus } from './rollup.ts';
import { sessionRows } from './session.ts';
import type { SessionFacts } from './session-facts.ts';

export interface WideRequest {
  readonly project: string;
  readonly sessionId: string;
  readonly identity: string;
  readonly writeNo: number;
  readonly by: string;
  readonly facts: SessionFacts;
  readonly balance: readonly WireRow[];
  readonly user?: RecognizedUser;
  readonly visitorsSince?: number;
  readonly status: SessionStatus;
  readonly endReason?: EndReason;
  readonly updatedAt: number;
}

/** The record for it. */
export function rollupOfWide(request: WideRequest, user: RecognizedUser | undefined): Rollup {
  const { project, sessionId, identity, writeNo, by, status, endReason, updatedAt } = request;
  const facts = user === undefined ? request.facts : { ...request.facts, newUser: user.isNew };
  const { tallies: _tallies, ...figures } = facts;
  const owed = toWire(difference(sessionRows(facts), fromWire(request.balance)));
  const rows = firstRows(owed);
  const session = { ...figures, status, ...(endReason && { endReason }), updatedAt };
  const owesMore = rows.length < owed.length;
  return { version: 2, project, sessionId, identity, writeNo, by, rows, owesMore, session };
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
