/**
 * A person's data out of every store, numbers kept or taken back. The order is such that nobody comes back, wherever it is
 * broken off:
 *
 *   noted as forgotten ─▶ what was under way has arrived ─▶ (sessions excluded) ─▶ open ones ended, loaded ─▶ Temporal
 *   ─▶ ClickHouse ─▶ Redis ─▶ streams ─▶ looked for once more ─▶ pseudonyms dropped, noted as done
 *
 * From the first step on ingest and imports take nothing of the person any more, so no step undoes one before it; and until
 * the last one the command, run again, finds by the pseudonyms whose ids it was replacing.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Redis } from 'ioredis';
import { listImports } from '../imports/import-tables.ts';
import { standOf } from '../imports/one-at-a-time.ts';
import { clearWorkFolders } from '../imports/work-folder.ts';
import { hashOf, readForgotten, readNote, writeNote } from '../platform/forgotten-bucket.ts';
import { select } from '../platform/clickhouse.ts';
import { createRollupLog, type Nats } from '../platform/nats.ts';
import { createSessionHistory } from '../platform/session-history.ts';
import { stateOf } from '../platform/session-state.ts';
import type { ActNote } from '../shared/acts.ts';
import { SojournError } from '../shared/errors.ts';
import { parseSessionWorkflowId } from '../shared/ids.ts';
import type { PersonIds, ReplacedKind } from '../shared/pseudonyms.ts';
import type { Temporal } from './connect.ts';
import { dryRunOf, turnSession } from './exclude.ts';
import { forgetKeys } from './forget-keys.ts';
import { type KeptOfPerson, keptNaming, keptOfDevices } from './forget-kept.ts';
import {
  devicesInLetters,
  removeMessages,
  sessionsInMessages,
  untoldInLetters,
} from './forget-messages.ts';
import {
  countImported,
  dropPseudonyms,
  findLinked,
  findOwn,
  type FoundSession,
  noteForgotten,
  type Person,
  replaceRows,
  valuesNaming,
} from './forget-rows.ts';
import { deleteRuns, findRuns, type Run } from './forget-runs.ts';
import { settle } from './temporal-sessions.ts';
import { type Probe, untilLoaded } from './until-loaded.ts';

export interface ForgetServers {
  readonly nats: Nats;
  readonly temporal: Temporal;
  /** Who may delete. */
  readonly admin: ClickHouseClient;
  readonly redis: Redis;
  readonly probe: Probe;
}

export interface ForgetOptions {
  readonly isDryRun: boolean;
  /** What the person's sessions have counted is taken back, as `session exclude` does it. */
  readonly takesBack: boolean;
  /** Whose left-over import folders go. */
  readonly dataDir: string;
  /** Who does it, for the audit line. */
  readonly doneBy: string;
  readonly onStep: (what: string) => void;
}

/** What went, or would go, by store. */
export interface ForgetCounts {
  /** Sessions whose rows in `sessions` name nobody any more, */
  sessions: number;
  /** those of others in which an id of theirs was replaced, */
  linkedSessions: number;
  /** and rows of imports. */
  importSessions: number;
  /** Workflow executions of Temporal. */
  runs: number;
  redisKeys: number;
  events: number;
  rollups: number;
  deadLetters: number;
  importFolders: number;
}

export interface ForgetOutcome extends ForgetCounts {
  readonly project: string;
  readonly kind: Person['kind'];
  readonly hash: string;
  readonly dryRun: boolean;
  /** RFC 3339: events up to then do not come back; null in a dry run. */
  readonly until: string | null;
  /** Rows of `metrics` whose dimension value has the id in it: they stay. */
  readonly metricRowsNaming: number;
}

const NOTHING: ForgetCounts = {
  ...{ sessions: 0, linkedSessions: 0, importSessions: 0, runs: 0, redisKeys: 0 },
  ...{ events: 0, rollups: 0, deadLetters: 0, importFolders: 0 },
};

/** Ingests hear of the list within milliseconds; this is for those that are busy. */
const HEARD_MS = 1_000;
const ARRIVED_MS_MAX = 60_000;
/** What comes to light late is looked for so often. */
const PASSES_MAX = 5;

/**
 * Safe to repeat; broken off anywhere, the same again finishes it.
 * @throws SojournError `SJ_USAGE` where an import of the project is under way; `SJ_NOT_EXACT` where what is to be taken back
 * cannot be told exactly any more, before anything has changed; `SJ_TIMEOUT` where ingest or a worker does not
 * run, or a server takes too long; `SJ_MIGRATION`, `SJ_SERVER_UNREACHABLE`; what clients throw
 */
export async function forgetPerson(
  servers: ForgetServers,
  person: Person,
  options: ForgetOptions,
): Promise<ForgetOutcome> {
  const { nats, admin } = servers;
  const { project, kind, id } = person;
  const { key } = await readForgotten(nats);
  const hash = hashOf(key)(kind, project, id);
  const about = { project, kind, hash, dryRun: options.isDryRun };
  const metricRowsNaming = kind === 'session' ? 0 : await valuesNaming(admin, person);
  // A dry run asks what the run asks.
  await importsAtRest(admin, project);
  if (options.takesBack) await failWhereNotExact(servers, person);
  if (options.isDryRun) {
    const counts = await countOf(servers, person, options);
    return { ...about, ...counts, until: null, metricRowsNaming };
  }
  const before = await readNote(nats, { project, kind, hash });
  const run = before?.state === 'begun' ? before.run : randomUUID();
  const note = async (until: number, state: 'begun' | 'done') => {
    await writeNote(nats, { project, kind, hash }, { until, run, state });
  };
  const audit = (until: number, state: 'begun' | 'done', counts: Record<string, number>) =>
    noteForgotten(admin, {
      ...{ project, kind, hash, state, until, counts },
      done_by: options.doneBy,
    });
  let until = Math.max(Date.now(), before?.until ?? 0);
  await note(until, 'begun');
  await audit(until, 'begun', {});

  const counts: ForgetCounts = { ...NOTHING };
  const listed = new Set<string>();
  for (let pass = 1; ; pass += 1) {
    const found = await passOnce(servers, person, { ...options, run, key, until, note, listed });
    until = found.until;
    for (const name of Object.keys(NOTHING) as (keyof ForgetCounts)[]) {
      counts[name] += found.counts[name];
    }
    if (found.isClean) break;
    if (pass >= PASSES_MAX) {
      throw new SojournError(
        'SJ_TIMEOUT',
        'events of others wait in the same messages, or something of the person still comes in; is ingest running? Run the same again',
      );
    }
  }
  await audit(until, 'done', { ...counts });
  await dropPseudonyms({ admin, project, run });
  await note(until, 'done');
  return { ...about, ...counts, until: new Date(until).toISOString(), metricRowsNaming };
}

interface Pass extends ForgetOptions {
  readonly run: string;
  readonly key: string;
  readonly until: number;
  /** Hashes of sessions that are in the list by now. */
  readonly listed: Set<string>;
  readonly note: (until: number, state: 'begun' | 'done') => Promise<void>;
}

/** All stores once, in their order. */
async function passOnce(servers: ForgetServers, person: Person, pass: Pass) {
  const { nats, temporal, admin, redis } = servers;
  const { project } = person;
  const { run, note, onStep } = pass;
  const asks = { by: pass.doneBy, reason: 'sojourn forget' };
  const imports = await importsAtRest(admin, project);
  onStep('what is under way');
  await sleep(HEARD_MS);
  await arrived(servers.probe);
  onStep('sessions');
  const { own, kept, ids, replaced: before } = await lookFor(servers, person, run);
  let { until } = pass;
  const noteUpTo = async (found: readonly Pick<FoundSession, 'lastEventAt'>[]) => {
    const latest = found.reduce((so, { lastEventAt }) => Math.max(so, lastEventAt), until);
    if (latest === until) return;
    until = latest;
    await note(until, 'begun');
    pass.listed.clear();
  };
  await noteUpTo([...own, ...kept]);
  const sessionIds = [...ids.session];
  if (await listSessions(nats, project, sessionIds, { ...pass, until })) {
    await sleep(HEARD_MS);
    await arrived(servers.probe);
  }
  const known = await findRuns(temporal.client, project, sessionIds);
  const turned = pass.takesBack ? await takeBack(servers, project, { runs: known, note: asks }) : 0;
  const open = turned === 0 ? known : await findRuns(temporal.client, project, sessionIds);
  const unsettled = open.filter(({ isOpen }) => isOpen);
  for (const { workflowId } of unsettled) {
    await settle(temporal, { project, sessionId: idOf(workflowId), note: asks });
  }
  if (turned + unsettled.length > 0) await arrived(servers.probe);
  // Once more: what the ended sessions wrote last. One that only came to light now has its runs yet: the next pass's.
  const all = await findOwn(admin, person, sessionIds);
  const rows = all.filter(({ sessionId }) => ids.session.has(sessionId));
  await noteUpTo(rows);
  await listSessions(nats, project, sessionIds, { ...pass, until });
  onStep('Temporal');
  const { deleted, isOneOpen } = await deleteRuns(temporal.client, project, sessionIds);
  onStep('ClickHouse');
  const linked = await findLinked(admin, project, all, before);
  const replaced = await replaceRows({ admin, project, run }, rows, linked, sessionIds);
  onStep('Redis');
  const allUsers = new Set([...before.users, ...rows.flatMap(({ userIds }) => userIds)]);
  const redisKeys = await forgetKeys(
    redis,
    project,
    { person: ids, users: [...allUsers].filter((one) => one !== '') },
    false,
  );
  onStep('streams');
  const removed = await removeMessages(nats, project, ids, false);
  const counts: ForgetCounts = {
    ...{ sessions: replaced.sessions, linkedSessions: replaced.linked },
    ...{ importSessions: replaced.imports, runs: deleted, redisKeys },
    ...{ events: removed.events, rollups: removed.rollups, deadLetters: removed.deadLetters },
    importFolders: clearWorkFolders(pass.dataDir, false),
  };
  const isNothing = Object.values<number>({ ...counts }).every((went) => went === 0);
  // One that was planned since goes by the list of then, which may have had not all of the sessions yet.
  const isOther = (await importsAtRest(admin, project)) !== imports;
  const isLeft = isOneOpen || rows.length < all.length || removed.waiting > 0 || isOther;
  return { counts, until, isClean: isNothing && !isLeft };
}

/** Each session by itself: events in it that name nobody are the person's, too. @returns whether any was not in the list */
async function listSessions(
  nats: Nats,
  project: string,
  sessionIds: readonly string[],
  { key, run, until, listed }: Pick<Pass, 'key' | 'run' | 'until' | 'listed'>,
): Promise<boolean> {
  const hashes = sessionIds.map((id) => hashOf(key)('session', project, id));
  const unlisted = hashes.filter((hash) => !listed.has(hash));
  for (const hash of unlisted) {
    const session = { project, kind: 'session', hash } as const;
    // One that is being forgotten by itself goes on under the name that it has begun with.
    const { run: ofRun = run, state = 'done' } = (await readNote(nats, session)) ?? {};
    await writeNote(nats, session, { until, run: ofRun, state });
    listed.add(hash);
  }
  return unlisted.length > 0;
}

const idOf = (workflowId: string) => parseSessionWorkflowId(workflowId)?.sessionId ?? '';

/** Sessions that Temporal has, each once. */
function sessionsOf(runs: readonly Run[]): readonly string[] {
  return [...new Set(runs.map(({ workflowId }) => idOf(workflowId)))];
}

/** @returns how many sessions were taken out of the numbers */
async function takeBack(
  { temporal, nats }: Pick<ForgetServers, 'temporal' | 'nats'>,
  project: string,
  { runs, note }: { readonly runs: readonly Run[]; readonly note: ActNote },
): Promise<number> {
  const history = createSessionHistory(temporal.client, createRollupLog(nats));
  let turned = 0;
  for (const sessionId of sessionsOf(runs)) {
    const turn = { project, sessionId, isExcluded: true, note };
    const { already } = await turnSession(temporal, history, turn);
    if (!already) turned += 1;
  }
  return turned;
}

/** Asks first: once the person is noted, there is no way but on. */
async function failWhereNotExact(servers: ForgetServers, person: Person): Promise<void> {
  const { temporal } = servers;
  const { project } = person;
  const { own, ids } = await lookFor(servers, person, '');
  const there = sessionsOf(await findRuns(temporal.client, project, [...ids.session]));
  const firstRuns = new Set<string>();
  for (const sessionId of there) {
    firstRuns.add((await stateOf(temporal, project, sessionId)).firstRunId);
  }
  // By its first run: an earlier session may have had the same id.
  const lost = own.filter(({ identity, excluded }) => !excluded && !firstRuns.has(identity));
  if (lost.length > 0) {
    throw new SojournError(
      'SJ_NOT_EXACT',
      `${lost.length} of ${own.length} sessions came by an import, or are not in Temporal any more (LATE_WINDOW): what they have counted cannot be taken back. Nothing was changed; without --take-back the numbers stay`,
    );
  }
  for (const sessionId of there) {
    await dryRunOf(temporal, { project, sessionId, isExcluded: true });
  }
}

/** What a person is known by, and which of their sessions have rows. */
async function lookFor(
  { nats, admin }: Pick<ForgetServers, 'nats' | 'admin'>,
  person: Person,
  run: string,
): Promise<{
  readonly own: readonly FoundSession[];
  /** Of which an import has events, with a row or without. */
  readonly kept: readonly KeptOfPerson[];
  readonly ids: PersonIds;
  /** Of an attempt that was broken off, or a pass before. */
  readonly replaced: { readonly users: readonly string[]; readonly visitors: readonly string[] };
}> {
  const { project, kind, id } = person;
  const only = (of: string) => new Set(of === kind ? [id] : []);
  const named = { user: only('user'), visitor: only('visitor'), session: only('session') };
  const before = await replacedBefore(admin, run);
  const keptNamed = await keptNaming(admin, person);
  const sessions = new Set([
    ...named.session,
    ...before('session'),
    ...(await sessionsInMessages(nats, project, named)),
    ...keptNamed.map(({ sessionId }) => sessionId),
  ]);
  const inLetters = kind === 'user' ? await devicesInLetters(nats, project, sessions) : [];
  const devices = new Set([
    ...[...keptNamed, ...(await findOwn(admin, person, [...sessions]))].flatMap(
      ({ visitorIds }) => visitorIds,
    ),
    ...inLetters,
  ]);
  devices.delete('');
  const untold = kind === 'user' ? await keptOfDevices(admin, project, [...devices]) : [];
  for (const { sessionId } of untold) sessions.add(sessionId);
  if (kind === 'user') {
    const letters = await untoldInLetters(nats, project, devices);
    for (const id of await withoutTold(admin, person, letters)) sessions.add(id);
  }
  const own = await findOwn(admin, person, [...sessions], inLetters);
  for (const { sessionId } of own) sessions.add(sessionId);
  return {
    ...{ own, kept: [...keptNamed, ...untold], ids: { ...named, session: sessions } },
    replaced: { users: before('user'), visitors: before('visitor') },
  };
}

/** Those of sessions without the ones that have a user in their rows. */
async function withoutTold(
  admin: ClickHouseClient,
  person: Person,
  sessionIds: readonly string[],
): Promise<readonly string[]> {
  if (sessionIds.length === 0) return [];
  const rows = await findOwn(admin, person, sessionIds);
  const told = rows.filter(({ userIds }) => userIds.some((id) => id !== ''));
  const others = new Set(told.map(({ sessionId }) => sessionId));
  return sessionIds.filter((id) => !others.has(id));
}

/** What an attempt that was broken off was replacing. */
async function replacedBefore(admin: ClickHouseClient, run: string) {
  const rows = await select<{ kind: ReplacedKind; id: string }>(
    admin,
    'SELECT kind, id FROM sojourn.forgetting WHERE run = {run:String}',
    { run },
  );
  return (kind: ReplacedKind) => rows.filter((row) => row.kind === kind).map(({ id }) => id);
}

async function countOf(
  servers: ForgetServers,
  person: Person,
  { dataDir }: ForgetOptions,
): Promise<ForgetCounts> {
  const { nats, temporal, admin, redis } = servers;
  const { project } = person;
  const { own, ids, replaced } = await lookFor(servers, person, '');
  const sessionIds = [...ids.session];
  const users = own.flatMap(({ userIds }) => userIds).filter((id) => id !== '');
  const { events, deadLetters, rollups } = await removeMessages(nats, project, ids, true);
  return {
    sessions: own.length,
    linkedSessions: (await findLinked(admin, project, own, replaced)).length,
    importSessions: await countImported(admin, project, sessionIds),
    runs: (await findRuns(temporal.client, project, sessionIds)).length,
    redisKeys: await forgetKeys(redis, project, { person: ids, users }, true),
    ...{ events, rollups, deadLetters },
    importFolders: clearWorkFolders(dataDir, true),
  };
}

/**
 * An import that has begun goes by the list of then, and by what it has decided already.
 * @returns the imports of the project as a text: the same before and after, where none has loaded or taken back anything
 * @throws SojournError `SJ_USAGE` where one is loading, or being taken back
 */
async function importsAtRest(admin: ClickHouseClient, project: string): Promise<string> {
  const imports = await listImports(admin, { project });
  const loading = imports.find(({ state }) => state === 'loading' || state === 'taking_back');
  if (loading === undefined) return standOf(imports);
  throw new SojournError(
    'SJ_USAGE',
    `import ${loading.id} of the project is not finished: run it again, or take it back (\`sojourn import undo ${loading.id}\`), then this`,
  );
}

/** @throws SojournError `SJ_TIMEOUT` where what was published before is not in ClickHouse after a minute */
async function arrived(probe: Probe): Promise<void> {
  const deadline = AbortSignal.timeout(ARRIVED_MS_MAX);
  try {
    await untilLoaded(
      // Sessions that are concerned are ended, which writes all they owe: no other has to be waited for.
      { ...probe, openSessions: () => Promise.resolve({ ids: [], all: true }) },
      {
        signal: deadline,
        sleep: (ms) => sleep(ms, undefined, { signal: deadline }),
        now: Date.now,
        onStep: () => undefined,
      },
    );
  } catch (error) {
    if (!deadline.aborted) throw error;
    throw new SojournError(
      'SJ_TIMEOUT',
      'what was published before is not in ClickHouse after a minute; are ingest and a worker running? Run the same again',
      { cause: error },
    );
  }
}
