/**
 * A chunk worked out: what becomes of each of its sessions, and what those that are loaded add up to. Nothing is written
 * but the claims of users, which may be repeated.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { identityOf } from '../bulk/identity.ts';
import type { ClaimUsers } from '../platform/claim-users.ts';
import type { RangeSums, SessionRecord } from '../shared/rollup.ts';
import { type Decision, decide, type DecideOptions } from './decide.ts';
import type { ImportLife } from '../shared/import-plan.ts';
import { decidedOf, loadName, type NotedSession } from './import-tables.ts';
import { findSessions, keptSessions } from './kept-sessions.ts';
import { createRowSumsOf, type RowSums } from './row-sums.ts';
import { decodeEvents, eventsText, type SessionBytes } from './run-file.ts';
import type { SessionChunk } from './session-chunks.ts';
import { addWhole, foldWhole, type WholeFold, type WholeOptions } from './whole-rows.ts';

export interface PreparedChunk extends Pick<SessionChunk, 'number' | 'events' | 'isLast'> {
  readonly noted: readonly NotedSession[];
  /** What its loaded sessions add up to, less those that they replace. */
  readonly sums: RangeSums;
  /** First runs of the sessions that are replaced. */
  readonly insteadOf: readonly string[];
  /** An earlier attempt has noted its sessions, and its rows maybe. */
  readonly wasNoted: boolean;
  /** To be published. */
  readonly live: readonly SessionBytes[];
}

export interface PrepareDeps {
  readonly claimUsers: ClaimUsers;
  /** As somebody who may read. */
  readonly reader: ClickHouseClient;
  readonly isOpen: (sessionId: string) => boolean;
}

export interface PrepareOptions extends DecideOptions {
  readonly life: ImportLife;
  readonly idleTimeoutMs: number;
}

/** So many are folded, claimed and added up together: others who wait for this thread have a turn in between. */
const SESSIONS_AT_ONCE = 200;

/** @throws what ClickHouse and Redis throw; safe to repeat */
export async function prepareChunk(
  deps: PrepareDeps,
  { number, sessions, events, isLast }: SessionChunk,
  options: PrepareOptions,
): Promise<PreparedChunk> {
  const { project } = options.life;
  const whole: WholeOptions = {
    project,
    load: loadName(options.life),
    idleTimeoutMs: options.idleTimeoutMs,
  };
  const { decisions, wasNoted } = await decideAll(deps, number, sessions, { ...options, whole });
  const sums = createRowSumsOf();
  const noted: NotedSession[] = [];
  const records: SessionRecord[] = [];
  const live: SessionBytes[] = [];
  let loadable: SessionBytes[] = [];
  const addSome = async () => {
    for (const added of await addSessions(deps.claimUsers, sums, loadable, whole)) {
      const { record, session } = added;
      const { newUser } = record.session;
      records.push(record);
      noted.push({
        decision: decisions.get(session.sessionId) ?? NO_DECISION,
        identity: record.identity,
        ...(newUser !== undefined && { newUser }),
        events: eventsText(session),
      });
    }
    loadable = [];
    await new Promise((resolve) => setImmediate(resolve));
  };
  for (const session of sessions) {
    const decision = decisions.get(session.sessionId) ?? NO_DECISION;
    if (decision.fate === 'load' || decision.fate === 'replace') {
      loadable.push(session);
      if (loadable.length === SESSIONS_AT_ONCE) await addSome();
      continue;
    }
    if (decision.fate === 'live') live.push(session);
    noted.push({ decision, identity: '', events: '' });
  }
  await addSome();
  const insteadOf = [...decisions.values()].flatMap((decision) => decision.insteadOf);
  await takeAway(deps.reader, sums, insteadOf, whole);
  const metrics = new Map([[project, sums.sums()]]);
  const range = { metrics, sessions: records, records: records.length, behind: 0 };
  return { number, events, isLast, noted, sums: range, insteadOf, wasNoted, live };
}

/** Of a session that came in since: nothing is done. */
const NO_DECISION: Decision = { sessionId: '', fate: 'leave', insteadOf: [] };

/** As it was decided before, where it was; and for good once it is noted. */
async function decideAll(
  { reader, isOpen }: PrepareDeps,
  number: number,
  sessions: readonly SessionBytes[],
  options: PrepareOptions & { readonly whole: WholeOptions },
): Promise<{ readonly decisions: ReadonlyMap<string, Decision>; readonly wasNoted: boolean }> {
  const before = await decidedOf(reader, options.life, number);
  if (before.size > 0) return { decisions: before, wasNoted: true };
  const { project, load } = options.whole;
  const own = new Map(
    sessions.map(({ sessionId, firstAt: firstEventAt }) => [
      sessionId,
      () => identityOf(load, { project, sessionId, firstEventAt }),
    ]),
  );
  const found = await findSessions(
    reader,
    project,
    [...own.keys()],
    (sessionId, identity) => own.get(sessionId)?.() === identity,
  );
  const surroundings = { found: (sessionId: string) => found.get(sessionId) ?? [], isOpen };
  const decisions = new Map(
    sessions.map((session) => [session.sessionId, decide(session, surroundings, options)]),
  );
  return { decisions, wasNoted: false };
}

async function addSessions(
  claimUsers: ClaimUsers,
  sums: RowSums,
  sessions: readonly SessionBytes[],
  whole: WholeOptions,
): Promise<{ session: SessionBytes; record: SessionRecord }[]> {
  const folded = sessions.map((session) => ({
    session,
    fold: foldWhole(session.sessionId, decodeEvents(session), whole),
  }));
  const asked = folded.flatMap(({ fold: { visit } }) => visit ?? []);
  const users = await claimUsers(asked);
  let next = 0;
  const userOf = ({ visit }: WholeFold) => (visit === undefined ? undefined : users[next++]);
  return folded.map(({ session, fold }) => ({
    session,
    record: addWhole(sums, fold, userOf(fold), whole),
  }));
}

/** Takes away what sessions of other imports have added, exactly: their events are kept. */
async function takeAway(
  reader: ClickHouseClient,
  sums: RowSums,
  identities: readonly string[],
  whole: WholeOptions,
): Promise<void> {
  const kept = await keptSessions(reader, identities);
  for (const identity of identities) {
    const old = kept.get(identity);
    if (old === undefined)
      throw new RangeError(`nobody has kept the events of session ${identity}`);
    const added = createRowSumsOf();
    const fold = foldWhole(old.sessionId, old.events, whole);
    const userId = fold.visit?.userId;
    const user = userId === undefined ? undefined : { userId, isNew: old.newUser ?? false };
    addWhole(added, fold, user, whole);
    sums.addAll(added.sums(), -1);
  }
}
