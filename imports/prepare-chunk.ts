/**
 * A chunk worked out: what becomes of each of its sessions, and what those that are loaded add up to. Nothing is written
 * but the claims of users, which may be repeated.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { identityOf } from '../bulk/identity.ts';
import type { ClaimUsers } from '../platform/claim-users.ts';
import { untilCaughtUp } from '../platform/replica-lag.ts';
import type { Visit } from '../shared/actor.ts';
import { type Contributions, subtractAll } from '../shared/contributions.ts';
import { SojournError } from '../shared/errors.ts';
import type { ImportLife } from '../shared/import-plan.ts';
import type { RangeSums, SessionRecord } from '../shared/rollup.ts';
import type { Preparing } from './chunk-source.ts';
import { type Decision, decide, type DecideOptions } from './decide.ts';
import { packSessions } from './fold-chunk.ts';
import type { Claim, FoldPool } from './fold-pool.ts';
import { decidedOf, loadName, type NotedSession } from './import-tables.ts';
import { addKept, findSessions, keptSessions } from './kept-sessions.ts';
import { createRowSumsOf } from './row-sums.ts';
import { eventsText, type SessionBytes } from './run-file.ts';
import type { SessionChunk } from './session-chunks.ts';
import type { Wait } from './wait.ts';
import type { WholeOptions } from './whole-rows.ts';

export interface PreparedChunk extends Pick<SessionChunk, 'number' | 'events' | 'isLast'> {
  readonly noted: readonly NotedSession[];
  /** What its loaded sessions add up to, less those that they replace. */
  readonly sums: RangeSums;
  /** First runs of the sessions that are replaced. */
  readonly insteadOf: readonly string[];
  /** To be published. */
  readonly live: readonly SessionBytes[];
}

export interface PrepareDeps {
  readonly pool: FoldPool;
  readonly claimUsers: ClaimUsers;
  /** As somebody who may read. */
  readonly reader: ClickHouseClient;
  readonly isOpen: (sessionId: string) => boolean;
  readonly wait: Wait;
}

export interface PrepareOptions extends DecideOptions {
  readonly life: ImportLife;
  readonly idleTimeoutMs: number;
}

/**
 * Begins to work a chunk out.
 * @param before see `Prepare`
 * @throws (both promises) what ClickHouse, Redis and threads throw; safe to repeat
 */
export function prepareChunk(
  deps: PrepareDeps,
  chunk: SessionChunk,
  before: Promise<void>,
  options: PrepareOptions,
): Preparing {
  let settleClaimed = { resolve: () => {}, reject: (_error: unknown) => {} };
  const claimed = new Promise<void>((resolve, reject) => {
    settleClaimed = { resolve, reject };
  });
  const claim = async (visits: readonly Visit[]) => {
    const { claimUsers, wait } = deps;
    await wait(`the users of the chunk before ${chunk.number} to be claimed`, before);
    const users = await wait(
      `Redis to claim the users of chunk ${chunk.number}`,
      claimUsers(visits),
    );
    settleClaimed.resolve();
    return users.map(({ isNew }) => isNew);
  };
  const prepared = work(deps, chunk, claim, options).catch((error: unknown) => {
    settleClaimed.reject(error);
    throw error;
  });
  return { claimed, prepared };
}

async function work(
  deps: PrepareDeps,
  { number, sessions, events, isLast }: SessionChunk,
  claim: Claim,
  options: PrepareOptions,
): Promise<PreparedChunk> {
  const { project } = options.life;
  const whole = wholeOptionsOf(options);
  const deciding = decideAll(deps, number, sessions, { ...options, whole });
  const packing = deciding.then((made) => packSessions(loadedOf(sessions, made).loadable));
  // Before anything is waited for: turns are in the order of chunks.
  const folding = deps.pool.fold(packing, claim);
  folding.catch(() => undefined);
  const decided = await deps.wait(
    `ClickHouse to say which sessions of chunk ${number} are there`,
    deciding,
  );
  const { decisions } = decided;
  const { fateOf, loadable, others } = loadedOf(sessions, decided);
  const folded = await folding;
  const sums: Contributions = new Map();
  folded.keys.forEach((key, n) => {
    sums.set(key, { value: folded.values[n] ?? 0n, count: folded.counts[n] ?? 0 });
  });
  const insteadOf = [...decisions.values()].flatMap((decision) => decision.insteadOf);
  const replaced = addedBy(deps.reader, project, insteadOf);
  subtractAll(sums, await deps.wait('ClickHouse to give what is replaced', replaced));
  const { records } = folded;
  const metrics = new Map([[project, sums]]);
  const notedLoaded = loadable.map((session, n) => notedOf(session, fateOf(session), records[n]));
  return {
    ...{ number, events, isLast, insteadOf },
    noted: [...notedLoaded, ...others.map((session) => notedOf(session, fateOf(session)))],
    sums: { metrics, sessions: records, records: records.length, behind: 0 },
    live: others.filter((session) => fateOf(session).fate === 'live'),
  };
}

/** Sessions that are loaded, and the others. @throws RangeError where nothing was decided about one */
function loadedOf(sessions: readonly SessionBytes[], { decisions }: Decided) {
  const fateOf = ({ sessionId }: SessionBytes) => {
    const decision = decisions.get(sessionId);
    if (decision === undefined) throw new RangeError(`nothing was decided about ${sessionId}`);
    return decision;
  };
  const isLoaded = (session: SessionBytes) => ['load', 'replace'].includes(fateOf(session).fate);
  return {
    fateOf,
    loadable: sessions.filter(isLoaded),
    others: sessions.filter((session) => !isLoaded(session)),
  };
}

/** What sessions of an import are folded by. */
export function wholeOptionsOf({
  life,
  idleTimeoutMs,
}: Pick<PrepareOptions, 'life' | 'idleTimeoutMs'>): WholeOptions {
  return { project: life.project, load: loadName(life), idleTimeoutMs };
}

function notedOf(session: SessionBytes, decision: Decision, record?: SessionRecord): NotedSession {
  if (record === undefined) return { decision, identity: '', events: '' };
  const { newUser } = record.session;
  return {
    decision,
    identity: record.identity,
    ...(newUser !== undefined && { newUser }),
    events: eventsText(session),
  };
}

interface Decided {
  readonly decisions: ReadonlyMap<string, Decision>;
}

/**
 * As it was decided before, where it was; and for good once it is noted.
 * @throws SojournError `SJ_USAGE` where the chunk was noted with other sessions
 */
async function decideAll(
  { reader, isOpen }: PrepareDeps,
  number: number,
  sessions: readonly SessionBytes[],
  options: PrepareOptions & { readonly whole: WholeOptions },
): Promise<Decided> {
  await untilCaughtUp(reader);
  const before = await decidedOf(reader, options.life, number);
  if (before.size > 0) {
    const other = sessions.find(({ sessionId }) => !before.has(sessionId));
    if (other === undefined) return { decisions: before };
    const { id } = options.life;
    throw new SojournError(
      'SJ_USAGE',
      `chunk ${number} of import ${id} was noted without session ${other.sessionId}, so the files are read in another way than when it was begun: take it back (\`sojourn import undo ${id}\`) and import again`,
    );
  }
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
  return { decisions };
}

/** What sessions of other imports have added, exactly: their events are kept. */
async function addedBy(
  reader: ClickHouseClient,
  project: string,
  identities: readonly string[],
): Promise<Contributions> {
  const kept = await keptSessions(reader, identities);
  const added = createRowSumsOf();
  for (const identity of identities) {
    const old = kept.get(identity);
    if (old === undefined) throw new RangeError(`nobody has kept the events of ${identity}`);
    addKept(added, project, old);
  }
  return added.sums();
}
