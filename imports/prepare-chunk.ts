/**
 * A chunk worked out: what becomes of each of its sessions, and what those that are loaded add up to. Nothing is written
 * but the claims of users, which may be repeated.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { identityOf } from '../bulk/identity.ts';
import type { ClaimUsers } from '../platform/claim-users.ts';
import { untilCaughtUp } from '../platform/replica-lag.ts';
import type { RowBytes } from '../platform/row-bytes.ts';
import type { Visit } from '../shared/actor.ts';
import { type Contributions, subtractAll } from '../shared/contributions.ts';
import { SojournError } from '../shared/errors.ts';
import type { ImportLife } from '../shared/import-plan.ts';
import type { RangeSums } from '../shared/rollup.ts';
import type { Preparing } from './chunk-source.ts';
import { noteRows } from './chunk-rows.ts';
import { type Decision, decide, type DecideOptions } from './decide.ts';
import { packSessions } from './fold-chunk.ts';
import type { Claim, FoldPool } from './fold-pool.ts';
import { chunkPlaceOf, decidedOf, loadName } from './import-tables.ts';
import { addKept, findSessions, keptSessions } from './kept-sessions.ts';
import { createRowSumsOf } from './row-sums.ts';
import type { SessionBytes } from './run-file.ts';
import type { SessionChunk } from './session-chunks.ts';
import type { Wait } from './wait.ts';
import type { WholeOptions } from './whole-rows.ts';

export interface PreparedChunk extends Pick<SessionChunk, 'number' | 'events' | 'isLast'> {
  /** What was decided about its sessions. */
  readonly noted: readonly Decision[];
  /** That as rows of `import_sessions_inbox`. */
  readonly notes: RowBytes;
  /** What its loaded sessions add up to, less those that they replace. */
  readonly sums: RangeSums;
  /** Rows of `sessions_inbox`: of its loaded sessions, which the sums do without. */
  readonly sessions: RowBytes;
  /** When ClickHouse said that nobody had noted it, epoch milliseconds; absent where somebody had. */
  readonly unnotedAt?: number;
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
  const place = chunkPlaceOf(options.life, number);
  const loading = deciding.then((made) => loadedOf(sessions, made));
  const packing = loading.then(({ loadable, replaced }) =>
    packSessions(loadable, { place, replaced }),
  );
  // Before anything is waited for: turns are in the order of chunks.
  const folding = deps.pool.fold(packing, claim);
  // Who waits for it hears of it, which may be later than it happens.
  folding.catch(() => undefined);
  packing.catch(() => undefined);
  const decided = await deps.wait(
    `ClickHouse to say which sessions of chunk ${number} are there`,
    deciding,
  );
  const { decisions, unnotedAt } = decided;
  const { fateOf, loadable, others } = await loading;
  const folded = await folding;
  const sums: Contributions = new Map();
  folded.keys.forEach((key, n) => {
    sums.set(key, { value: folded.values[n] ?? 0n, count: folded.counts[n] ?? 0 });
  });
  const insteadOf = [...decisions.values()].flatMap((decision) => decision.insteadOf);
  const replaced = addedBy(deps.reader, project, insteadOf);
  subtractAll(sums, await deps.wait('ClickHouse to give what is replaced', replaced));
  const metrics = new Map([[project, sums]]);
  const notes = noteRows(place);
  notes.addAll(folded.notes);
  for (const session of others) {
    notes.add({ decision: fateOf(session), identity: '', events: NO_EVENTS });
  }
  return {
    ...{ number, events, isLast, insteadOf },
    ...(unnotedAt !== undefined && { unnotedAt }),
    noted: [...loadable, ...others].map(fateOf),
    notes: notes.end(),
    sums: { metrics, sessions: [], records: folded.sessions.length, behind: 0 },
    sessions: folded.sessions,
    live: others.filter((session) => fateOf(session).fate === 'live'),
  };
}

const NO_EVENTS = new Uint8Array();

/** Sessions that are loaded, and the others. @throws RangeError where nothing was decided about one */
function loadedOf(sessions: readonly SessionBytes[], { decisions }: Decided) {
  const fateOf = ({ sessionId }: SessionBytes) => {
    const decision = decisions.get(sessionId);
    if (decision === undefined) throw new RangeError(`nothing was decided about ${sessionId}`);
    return decision;
  };
  const loadable: SessionBytes[] = [];
  const others: SessionBytes[] = [];
  const replaced = new Map<number, readonly string[]>();
  for (const session of sessions) {
    const { fate, insteadOf } = fateOf(session);
    if (fate !== 'load' && fate !== 'replace') {
      others.push(session);
      continue;
    }
    if (fate === 'replace') replaced.set(loadable.length, insteadOf);
    loadable.push(session);
  }
  return { fateOf, loadable, others, replaced };
}

/** What sessions of an import are folded by. */
export function wholeOptionsOf({
  life,
  idleTimeoutMs,
}: Pick<PrepareOptions, 'life' | 'idleTimeoutMs'>): WholeOptions {
  return { project: life.project, load: loadName(life), idleTimeoutMs };
}

interface Decided {
  readonly decisions: ReadonlyMap<string, Decision>;
  readonly unnotedAt?: number;
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
  const unnotedAt = Date.now();
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
  const own = new Map(sessions.map(({ sessionId, firstAt }) => [sessionId, firstAt]));
  const isOwn = (sessionId: string, identity: string) => {
    const firstEventAt = own.get(sessionId);
    if (firstEventAt === undefined) return false;
    return identityOf(load, { project, sessionId, firstEventAt }) === identity;
  };
  const found = await findSessions(reader, project, [...own.keys()], isOwn);
  const surroundings = { found: (sessionId: string) => found.get(sessionId) ?? [], isOpen };
  const decisions = new Map(
    sessions.map((session) => [session.sessionId, decide(session, surroundings, options)]),
  );
  return { decisions, unnotedAt };
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
