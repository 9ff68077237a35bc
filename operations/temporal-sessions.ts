/** What Temporal knows of sessions, live and closed, for operators. */
import {
  type Client,
  isGrpcServiceError,
  type WorkflowExecutionInfo,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { explain, stateOf } from '../platform/session-state.ts';
import { isWorkflowGone } from '../platform/temporal.ts';
import type { ActNote } from '../shared/acts.ts';
import { SojournError } from '../shared/errors.ts';
import { parseSessionWorkflowId, sessionWorkflowId } from '../shared/ids.ts';
import type { KeywordAttribute } from '../shared/search-attributes.ts';
import type { SessionView } from '../shared/session-view.ts';
import { endUpdate } from '../workflows/messages.ts';
import type { Temporal } from './connect.ts';
import { each } from '../shared/each.ts';
import {
  cursorOf,
  fits,
  isAfter,
  mayFindOlderRuns,
  type RunPlace,
  type SessionFilter,
  visibilityQuery,
} from './session-filter.ts';

export interface SessionRow {
  readonly id: string;
  readonly project: string;
  /** `open`, `closed`, or how else its run ended. */
  readonly state: string;
  readonly user: string | null;
  readonly source: string | null;
  readonly country: string | null;
  readonly device: string | null;
  readonly engaged: boolean | null;
  /** RFC 3339, UTC: its first event, where ClickHouse has it; else when its latest run started. */
  readonly started: string;
  /** RFC 3339, UTC: its last event as of its last write; null where ClickHouse does not have it. */
  readonly lastEvent: string | null;
  /** As of its last write, like the rest; null where ClickHouse does not have it. */
  readonly pageViews: number | null;
  readonly events: number | null;
  /** When Temporal closed it. */
  readonly closed: string | null;
  /** Its place in the list: what comes after it is listed with `after`. */
  readonly cursor: string;
}

export interface SessionSelection extends SessionFilter {
  readonly limit: number;
  /** Only what comes after this place. */
  readonly after?: RunPlace | undefined;
}

export interface Finding {
  /** Told how many there are so far. */
  readonly onFound: (count: number) => void;
  /** Adds what ClickHouse knows of sessions; the rows keep their order. */
  readonly withTimes: (rows: readonly SessionRow[]) => Promise<readonly SessionRow[]>;
}

/**
 * Sessions in Temporal's order: the open ones first, by the start of their run, then the closed ones, by their end; each
 * from the newest on.
 * @throws SojournError `SJ_USAGE` where Temporal does not understand the filter's query
 */
export async function findSessions(
  client: Client,
  selection: SessionSelection,
  { onFound, withTimes }: Finding,
): Promise<SessionRow[]> {
  const { project, limit, after } = selection;
  const query = visibilityQuery(selection, after);
  const looksAtEach = mayFindOlderRuns(selection, after);
  const found: SessionRow[] = [];
  // A session that was reopened has several runs; the newest comes first.
  const seen = new Set<string>();
  let candidates: WorkflowExecutionInfo[] = [];
  const admit = async () => {
    const newest = looksAtEach ? await newestOf(client, candidates) : candidates;
    const rows = newest.map(rowOf).filter((row) => fits(row, { ...selection, since: undefined }));
    for (const row of await withTimes(rows)) {
      if (found.length < limit && fits(row, selection)) found.push(row);
    }
    candidates = [];
    onFound(found.length);
  };
  try {
    for await (const run of client.workflow.list({ query, pageSize: Math.min(limit, 1_000) })) {
      if (seen.has(run.workflowId) || !isOf(run, project)) continue;
      if (after !== undefined && !isAfter(placeOf(run), after)) continue;
      seen.add(run.workflowId);
      candidates.push(run);
      if (found.length + candidates.length >= limit || candidates.length >= CANDIDATES_MAX) {
        await admit();
      }
      if (found.length >= limit) break;
    }
  } catch (error) {
    throw selection.query === undefined ? error : explainQuery(error);
  }
  await admit();
  return found;
}

const CANDIDATES_MAX = 200;
const ASKED_AT_ONCE = 16;
/** Invalid argument. */
const MISUNDERSTOOD_CODES: ReadonlySet<number> = new Set([3]);

function explainQuery(error: unknown): unknown {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (!isGrpcServiceError(cause) || !MISUNDERSTOOD_CODES.has(cause.code)) return error;
  return new SojournError('SJ_USAGE', `Temporal does not take the query: ${cause.details}`, {
    cause: error,
  });
}

function isOf({ workflowId }: WorkflowExecutionInfo, project: string | undefined): boolean {
  return project === undefined || parseSessionWorkflowId(workflowId)?.project === project;
}

/** Those that no newer run of their session has followed. Each is asked for by its id, which Temporal takes as it is. */
async function newestOf(
  client: Client,
  runs: readonly WorkflowExecutionInfo[],
): Promise<WorkflowExecutionInfo[]> {
  const older = new Set<WorkflowExecutionInfo>();
  await each(runs, ASKED_AT_ONCE, async (run) => {
    const newest = await newestRunId(client, run.workflowId);
    if (newest !== undefined && newest !== run.runId) older.add(run);
  });
  return runs.filter((run) => !older.has(run));
}

async function newestRunId(client: Client, workflowId: string): Promise<string | undefined> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).runId;
  } catch (error) {
    // Its retention ended since it was listed.
    if (isWorkflowGone(error)) return undefined;
    throw error;
  }
}

function placeOf({ raw, runId, startTime, closeTime }: WorkflowExecutionInfo): RunPlace {
  return {
    started: nanosOf(raw.startTime, startTime),
    ...(closeTime !== undefined && { closed: nanosOf(raw.closeTime, closeTime) }),
    runId,
  };
}

/** What a Date has no room for is in what the server said. */
function nanosOf(exact: { readonly nanos?: number | null } | null | undefined, time: Date): bigint {
  const seconds = BigInt(Math.floor(time.getTime() / 1_000));
  const millis = BigInt(time.getUTCMilliseconds()) * 1_000_000n;
  return seconds * 1_000_000_000n + (exact?.nanos == null ? millis : BigInt(exact.nanos));
}

const ENGAGED = defineSearchAttributeKey('SojournEngaged', SearchAttributeType.BOOL);

function rowOf(run: WorkflowExecutionInfo): SessionRow {
  const { workflowId, status, startTime, closeTime, typedSearchAttributes: attributes } = run;
  const names = parseSessionWorkflowId(workflowId);
  const keyword = (name: KeywordAttribute) =>
    attributes.get(defineSearchAttributeKey(name, SearchAttributeType.KEYWORD));
  return {
    id: names?.sessionId ?? workflowId,
    project: names?.project ?? '',
    state: STATES[status.name] ?? status.name.toLowerCase(),
    user: keyword('SojournUser') ?? null,
    source: keyword('SojournTrafficSource') ?? null,
    country: keyword('SojournCountry') ?? null,
    device: keyword('SojournDevice') ?? null,
    engaged: attributes.get(ENGAGED) ?? null,
    started: startTime.toISOString(),
    lastEvent: null,
    pageViews: null,
    events: null,
    closed: closeTime?.toISOString() ?? null,
    cursor: cursorOf(placeOf(run)),
  };
}

const STATES: Readonly<Record<string, string>> = { RUNNING: 'open', COMPLETED: 'closed' };

/** Ending may take as long as writing does. */
const END_MS_MAX = 60_000;

export interface EndOf {
  readonly project: string;
  readonly sessionId: string;
  /** Who ends it, and why. */
  readonly note: ActNote;
}

/**
 * Ends a session. @returns what it came to, and whether it had ended before
 * @throws SojournError `SJ_NOT_FOUND`, also of one whose run was terminated
 */
export async function settle(
  temporal: Temporal,
  { project, sessionId, note }: EndOf,
): Promise<{ readonly view: SessionView; readonly already: boolean }> {
  const { client, connection } = temporal;
  const handle = client.workflow.getHandle(sessionWorkflowId(project, sessionId));
  try {
    const view = await connection.withDeadline(Date.now() + END_MS_MAX, () =>
      handle.executeUpdate(endUpdate, { args: [note] }),
    );
    return { view, already: false };
  } catch (error) {
    if (!isWorkflowGone(error) && !(error instanceof WorkflowUpdateFailedError)) {
      throw explain(error, project, sessionId);
    }
  }
  // It ended by itself, long ago or just now; or there never was one.
  const view = await stateOf(temporal, project, sessionId);
  if (view.status === 'ended') return { view, already: true };
  const { status } = await handle.describe();
  if (!CUT_OFF.has(status.name)) {
    throw new SojournError('SJ_TIMEOUT', `session ${sessionId} went on; try again`);
  }
  const how = status.name.toLowerCase().replace('_', ' ');
  throw new SojournError(
    'SJ_NOT_FOUND',
    `session ${sessionId} does not run any more (Temporal: ${how}), and cannot be ended; what it had not written comes with its next event`,
  );
}

/** Of a run that ended without the session having done so. */
const CUT_OFF: ReadonlySet<string> = new Set(['TERMINATED', 'FAILED', 'TIMED_OUT']);
