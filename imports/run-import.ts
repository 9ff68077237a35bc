/**
 * An import from its files to its end: read and sorted, compared with what was imported before, planned once, and loaded
 * at the hand of its workflow. Killed anywhere and run again with the same files it goes on.
 */
import { renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { followBucket } from '../platform/project-settings.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/log.ts';
import { loadZones } from '../platform/zones.ts';
import type { ForgottenList } from '../shared/forgotten.ts';
import { CATALOGUE_VERSION } from '../shared/catalogue.ts';
import { SojournError, toError } from '../shared/errors.ts';
import { FUTURE_MS_MAX } from '../shared/limits.ts';
import { SESSION_WORKFLOW, parseSessionWorkflowId } from '../shared/ids.ts';
import {
  type ImportPlan,
  isOfLife,
  type LoadedChunk,
  type TakenBack,
} from '../shared/import-plan.ts';
import { isSameSettings, type ProjectSettings } from '../shared/project.ts';
import { createImportActivities } from './activities.ts';
import { createBadReport, readWhole } from './bad-records.ts';
import { type ChunkSource, createChunkSource } from './chunk-source.ts';
import { hostImport, startImport } from './host-import.ts';
import {
  importRowOf,
  type ImportCounts,
  type ImportRow,
  isOver,
  listImports,
  NO_COUNTS,
  noteImport,
} from './import-tables.ts';
import { keepBad } from './keep-bad.ts';
import { createFoldPool, type FoldPool } from './fold-pool.ts';
import { failWhereForgottenSince, forgottenNow, markOf, readByLatest } from './forgotten-now.ts';
import { prepareChunk, wholeOptionsOf } from './prepare-chunk.ts';
import { publishLive } from './publish-live.ts';
import { type ReadFiles, readFiles, type ReadProgress, type Sources } from './read-files.ts';
import type { ImportServers } from './servers.ts';
import type { FileReader } from './formats/format.ts';
import type { BadRecord } from './take-records.ts';
import { failWhereMadeOtherwise, hashesOf, type MadeWith } from './made-with.ts';
import { failWhereNotAlone, standOf } from './one-at-a-time.ts';
import { createStillLoading } from './still-loading.ts';
import { withdraw } from './take-back.ts';
import { createWait, type Wait } from './wait.ts';
import type { WorkFolder } from './work-folder.ts';

export interface ImportRequest {
  readonly project: string;
  readonly format: string;
  /** As people named them. */
  readonly files: readonly string[];
  /** Opens what is to be read, from the beginning; again where settings have changed since it was first begun, or somebody was forgotten. */
  readonly open: (onBad: (bad: BadRecord) => void) => Sources;
  readonly readerOf?: (file: string) => FileReader;
  /** What the readers make events with; whoever goes on has to have the same. */
  readonly madeWith?: MadeWith;
  /** So many threads share the work; 0 where it is not worth it. */
  readonly threads: number;
  readonly replace: boolean;
  /** What breaks a rule goes to DEADLETTERS as well. */
  readonly keepBad: boolean;
  readonly folder: WorkFolder;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly onRead: (progress: ReadProgress) => void;
  readonly onPlanned: (plan: ImportPlan) => void;
  readonly onLoaded: (loaded: LoadedChunk) => void;
  readonly onTakenBack: (taken: TakenBack) => void;
}

export interface ImportOutcome extends ImportCounts {
  readonly id: string;
  readonly project: string;
  /** `already imported`: nothing was done. */
  readonly state: 'done' | 'already imported' | 'taken_back';
  readonly records: number;
  readonly badRecords: number;
  readonly events: number;
  readonly sessions: number;
  /** Where the report of what broke a rule lies; absent where nothing did. */
  readonly badReport?: string;
}

/** @throws SojournError; what a server throws; the reason of the signal */
export async function runImport(
  servers: ImportServers,
  config: Config,
  request: ImportRequest,
  log: Logger,
): Promise<ImportOutcome> {
  const settings = await settingsNow(servers, request.project, log);
  const beganAt = request.now();
  const wait = createWait(log);
  const readNow: ReadAs = {
    ...{ settings, beganAt },
    lateWindowMs: config.LATE_WINDOW,
    idleTimeoutMs: config.SESSION_IDLE_TIMEOUT,
    heartbeatsBegin: false,
  };
  const listNow = () => forgottenNow(servers.nats, request.project);
  const first = await readByLatest(listNow, (forgotten) =>
    readBy({ ...request, wait, forgotten }, readNow),
  );
  const { forgotten } = first;
  const reading = { ...request, wait, forgotten };
  let { read } = first;
  const latest = await latestLife(servers, { project: request.project, id: read.files.id });
  if (latest?.state === 'done') return outcomeOf(latest, 'already imported', read.bad);
  const { project } = request;
  const others = () => listImports(servers.reader, { project });
  const before = await others();
  const isFirst = latest?.state !== 'loading';
  if (isFirst) failWhereNotAlone(before, { id: read.files.id });
  const planning = { request, config, settings, beganAt, latest, forgotten };
  const plan = await planOnce(servers, read, planning);
  // Its threads start while others are waited for.
  const pool = createFoldPool(
    request.threads,
    wholeOptionsOf({ life: plan, idleTimeoutMs: plan.idleTimeoutMs }),
    wait,
  );
  /** @returns whether the others stand where they did before anything was decided */
  const mayBegin = async (): Promise<boolean> => {
    // Who began at the same moment is noted by now, too.
    if (isFirst) await sleep(SETTLED_MS);
    const now = await others();
    try {
      failWhereNotAlone(now, { ...plan, state: 'loading' });
    } catch (error) {
      // It was noted just now, and would be `loading` for ever.
      if (isFirst) await withdraw(servers, plan);
      throw error;
    }
    // From the plan on `forget` waits for the import; who was noted before that is in this list.
    failWhereForgottenSince(plan, forgotten, await listNow());
    return standOf(now, plan) === standOf(before, plan);
  };
  const begins = mayBegin();
  // What fails meanwhile is what people hear of.
  begins.catch(() => undefined);
  try {
    failWhereMadeOtherwise(plan, hashesOf(request.madeWith));
    const hasVisits = request.readerOf !== undefined;
    if (!isReadAs(plan, readNow, { latestAt: read.files.latestAt, hasVisits })) {
      read = await readBy(reading, plan);
      if (read.files.id !== plan.id) throw new SojournError('SJ_USAGE', NOT_AGAIN);
    }
    if (!isFirst) failWhereReadOtherwise(plan, read.files);
    const prepare = (more: { readonly begins?: Promise<void> }) =>
      prepareChunks(servers, plan, read.files, { wait, pool, ...more });
    // Of one that is gone on with nobody knows yet how far it is.
    const early = await prepare(isFirst ? { begins: begins.then(failUnlessAsBefore) } : {}).catch(
      // Why it may not begin, where it may not.
      (error: unknown) => begins.then(() => Promise.reject(toError(error))),
    );
    // Who was through in the meantime, or taken back, has changed what had been decided by.
    const source = (await begins) ? early : await prepare({});
    if (request.keepBad && read.bad.count > 0) {
      await keepBad(servers.nats, plan, readWhole(wholePath(request.folder)));
    }
    request.onPlanned(plan);
    try {
      await load(servers, plan, source, { ...reading, log });
    } catch (error) {
      const row = await latestLife(servers, plan);
      if (row === undefined || !isTakenBack(row, plan)) throw error;
    }
  } finally {
    // It looks at the tables still, and may take its plan back.
    await begins.catch(() => undefined);
    await pool.stop();
  }
  const row = await latestLife(servers, plan);
  if (row === undefined)
    throw new SojournError('SJ_NOT_FOUND', `import ${plan.id} is not in ClickHouse`);
  return outcomeOf(row, isTakenBack(row, plan) ? 'taken_back' : 'done', read.bad);
}

function failUnlessAsBefore(isAsBefore: boolean): void {
  if (!isAsBefore) throw new Error('another import of the project has changed meanwhile');
}

/**
 * Chunks that are loaded are those of then: a session that came into another one would count twice.
 * @throws SojournError `SJ_USAGE` where this version makes something else of the files
 */
function failWhereReadOtherwise(plan: ImportPlan, { events, sessionCount }: ReadFiles): void {
  if (events === plan.events && sessionCount === plan.sessions) return;
  throw new SojournError(
    'SJ_USAGE',
    `import ${plan.id} was begun with ${plan.events} events in ${plan.sessions} sessions, and this version reads ${events} in ${sessionCount}: go on with the version that began it, or take it back (\`sojourn import undo ${plan.id}\`) and import again`,
  );
}

async function latestLife(
  { reader }: Pick<ImportServers, 'reader'>,
  { project, id }: Pick<ImportPlan, 'project' | 'id'>,
): Promise<ImportRow | undefined> {
  const [latest] = await listImports(reader, { project, id, withdrawn: true });
  return latest;
}

/** Whatever its workflow says: a process may have stood still for longer than that went on. */
function isTakenBack(latest: ImportRow, { life }: ImportPlan): boolean {
  return latest.life !== life || isOver(latest.state);
}

/** Longer than it takes from a look at what other imports do to the note that one has begun. */
const SETTLED_MS = 1_000;

const NOT_AGAIN =
  'settings (of the project, SESSION_IDLE_TIMEOUT or LATE_WINDOW) or the version of Sojourn have changed since the import was begun, and what comes from standard input cannot be read again as it was then: give it as a file';

async function settingsNow(
  { nats }: ImportServers,
  project: string,
  log: Logger,
): Promise<ProjectSettings> {
  const followed = await followBucket(nats, loadZones().isZone, log);
  try {
    return followed.settingsOf(project);
  } finally {
    await followed.stop();
  }
}

interface Waiting extends ImportRequest {
  readonly wait: Wait;
  readonly forgotten: ForgottenList;
}

interface Read {
  readonly files: ReadFiles;
  /** The report of what broke a rule. */
  readonly bad: { readonly path: string; readonly count: number };
}

/** Kept as they are for this much longer than they may be live: a session's first events are older than its last. */
const RAW_MS = 24 * 60 * 60 * 1_000;

/** What decides which events and sessions files give. */
type ReadAs = Pick<
  ImportPlan,
  'settings' | 'beganAt' | 'lateWindowMs' | 'idleTimeoutMs' | 'heartbeatsBegin'
>;

async function readBy(
  request: Waiting,
  { settings, beganAt: receivedAt, lateWindowMs, idleTimeoutMs, heartbeatsBegin = true }: ReadAs,
): Promise<Read> {
  const { project, format, open, readerOf, folder, signal, onRead, threads, wait } = request;
  const path = join(folder.path, 'bad.ndjson');
  const report = createBadReport(path, request.keepBad ? wholePath(folder) : undefined);
  const files = await readFiles({
    ...{ project, format, settings, receivedAt, signal, threads, wait, folder: folder.path },
    forgotten: request.forgotten,
    ...(readerOf !== undefined && { readerOf }),
    open: () => open(report.add),
    liveFrom: receivedAt - lateWindowMs - RAW_MS,
    ...{ visitIdleMs: idleTimeoutMs, heartbeatsBegin },
    onBad: report.add,
    onProgress: onRead,
  });
  report.close();
  const kept = join(dirname(folder.path), `${files.id}.bad.ndjson`);
  if (report.count > 0) renameSync(path, kept);
  return { files, bad: { path: kept, count: report.count } };
}

function wholePath({ path }: WorkFolder): string {
  return join(path, 'bad-whole.ndjson');
}

interface Planning {
  readonly request: ImportRequest;
  readonly config: Config;
  readonly settings: ProjectSettings;
  readonly beganAt: number;
  readonly latest: ImportRow | undefined;
  /** Which the files were read by. */
  readonly forgotten: ForgottenList;
}

const EVENTS_A_SESSION = 10;

/** The plan that was noted first, by whoever. */
async function planOnce(
  { tables, reader }: ImportServers,
  { files, bad }: Read,
  { request, config, settings, beganAt, latest, forgotten }: Planning,
): Promise<ImportPlan> {
  if (latest?.state !== 'loading') {
    const plan: ImportPlan = {
      ...{ project: request.project, id: files.id, life: (latest?.life ?? 0) + 1 },
      format: request.format,
      files: request.files.slice(0, FILES_NAMED_MAX),
      settings,
      catalogue: CATALOGUE_VERSION,
      beganAt,
      lateWindowMs: config.LATE_WINDOW,
      idleTimeoutMs: config.SESSION_IDLE_TIMEOUT,
      heartbeatsBegin: false,
      valuesMax: config.DIMENSION_VALUES_MAX,
      chunkMax: {
        sessionsMax: config.IMPORT_CHUNK_SESSIONS,
        eventsMax: EVENTS_A_SESSION * config.IMPORT_CHUNK_SESSIONS,
      },
      replace: request.replace,
      ...hashesOf(request.madeWith),
      records: files.records,
      badRecords: bad.count,
      events: files.events,
      sessions: files.sessionCount,
      forgotten: markOf(forgotten),
    };
    await noteImport(tables, importRowOf(plan, 'loading', NO_COUNTS));
  }
  const noted = await latestLife({ reader }, { project: request.project, id: files.id });
  if (noted === undefined)
    throw new SojournError('SJ_NOT_FOUND', 'what was noted is not in ClickHouse');
  const plan = JSON.parse(noted.plan) as ImportPlan;
  if (plan.catalogue === CATALOGUE_VERSION) return plan;
  throw new SojournError(
    'SJ_USAGE',
    `import ${plan.id} was begun by another version of Sojourn: go on with that one, or take it back (\`sojourn import undo ${plan.id}\`) and import again`,
  );
}

const FILES_NAMED_MAX = 20;

/** Whether files that were read by other settings, or at another time, hold the same sessions by those of the plan. */
function isReadAs(
  plan: ImportPlan,
  read: ReadAs,
  { latestAt, hasVisits }: { readonly latestAt: number; readonly hasVisits: boolean },
): boolean {
  if (!isSameSettings(plan.settings, read.settings)) return false;
  if (plan.idleTimeoutMs !== read.idleTimeoutMs) return false;
  if (plan.lateWindowMs !== read.lateWindowMs) return false;
  // Our own events have sessions, which nobody cuts.
  if (hasVisits && plan.heartbeatsBegin !== read.heartbeatsBegin) return false;
  // What was too far in the future then is not taken now, either.
  return read.beganAt === plan.beganAt || latestAt <= plan.beganAt + FUTURE_MS_MAX;
}

interface Preparing {
  readonly wait: Wait;
  readonly pool: FoldPool;
  /** Where it is given the first chunks are worked out from now on; when it resolves the import may begin. */
  readonly begins?: Promise<void>;
}

async function prepareChunks(
  servers: ImportServers,
  plan: ImportPlan,
  files: ReadFiles,
  { wait, pool, begins }: Preparing,
): Promise<ChunkSource> {
  const { claimUsers, reader } = servers;
  const open = await openSessions(servers, plan.project);
  const { beganAt, lateWindowMs, replace, idleTimeoutMs } = plan;
  const isOpen = (sessionId: string) => open.has(sessionId);
  const options = {
    life: plan,
    ...{ replace, idleTimeoutMs, liveFrom: beganAt - lateWindowMs },
  };
  return createChunkSource(
    files.sessions,
    (chunk, before) =>
      prepareChunk({ pool, claimUsers, reader, isOpen, wait }, chunk, before, options),
    { ahead: pool.size, max: plan.chunkMax, ...(begins !== undefined && { begins }) },
  );
}

interface Loading extends Waiting {
  readonly log: Logger;
}

async function load(
  servers: ImportServers,
  plan: ImportPlan,
  source: ChunkSource,
  { signal, onLoaded, onTakenBack, wait, log }: Loading,
): Promise<void> {
  const { publisher, reader } = servers;
  const { project, settings } = plan;
  const activities = createImportActivities({
    ...servers,
    ...{ source, life: plan.life, onLoaded, onTakenBack, wait },
    publishLive: (sessions, chunk) => {
      const stillLoading = createStillLoading(reader, { ...plan, chunk });
      return publishLive(publisher, sessions, { project, settings, stillLoading });
    },
  });
  for (;;) {
    const handle = await startImport(servers, { plan });
    const view = await hostImport(servers, handle, { id: plan.id, activities, signal, log });
    // It was that of an earlier life, which somebody was still taking back.
    if (isOfLife(view, plan)) return;
  }
}

/** Ids of sessions that are open now: what comes later is another session of that id. */
async function openSessions({ client }: ImportServers, project: string): Promise<Set<string>> {
  const query = `WorkflowType = '${SESSION_WORKFLOW}' AND ExecutionStatus = 'Running' AND SojournProject = '${project}'`;
  const ids = new Set<string>();
  for await (const { workflowId } of client.workflow.list({ query, pageSize: 1_000 })) {
    const { sessionId } = parseSessionWorkflowId(workflowId) ?? {};
    if (sessionId !== undefined) ids.add(sessionId);
  }
  return ids;
}

function outcomeOf(row: ImportRow, state: ImportOutcome['state'], bad: Read['bad']): ImportOutcome {
  const { id, project, records, badRecords, events, sessions, loaded, replaced, left, live } = row;
  return {
    ...{ id, project, state, records, badRecords, events, sessions, loaded, replaced, left, live },
    ...(bad.count > 0 && { badReport: bad.path }),
  };
}
