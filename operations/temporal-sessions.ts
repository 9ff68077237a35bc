/** What Temporal knows of sessions, live and closed, for operators. */
import {
  type Client,
  isGrpcServiceError,
  type WorkflowExecutionInfo,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { isWorkflowGone } from '../platform/temporal.ts';
import { SojournError } from '../shared/errors.ts';
import { parseSessionWorkflowId, SESSION_WORKFLOW, sessionWorkflowId } from '../shared/ids.ts';
import type { KeywordAttribute } from '../shared/search-attributes.ts';
import type { SessionView } from '../shared/session-view.ts';
import { endUpdate, stateQuery } from '../workflows/messages.ts';
import type { Temporal } from './connect.ts';

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
  /** When Temporal closed it. */
  readonly closed: string | null;
}

export interface SessionSelection {
  readonly project?: string | undefined;
  readonly state: 'open' | 'closed' | 'all';
  readonly limit: number;
}

/** A run that went on as another is no session of its own. */
const STATE_FILTERS = {
  open: ` AND ExecutionStatus = 'Running'`,
  closed: ` AND ExecutionStatus != 'Running' AND ExecutionStatus != 'ContinuedAsNew'`,
  all: ` AND ExecutionStatus != 'ContinuedAsNew'`,
} as const;

/**
 * Sessions, the newest first. The query holds nothing but a project and a state: stores of visibility
 * differ in how they quote a backslash or a question mark, and in whether case counts, so what a
 * producer may choose is compared here.
 * @param onFound told how many there are so far
 */
export async function findSessions(
  client: Client,
  { project, state, limit }: SessionSelection,
  onFound: (count: number) => void,
): Promise<SessionRow[]> {
  const ofProject = project === undefined ? '' : ` AND SojournProject = '${project}'`;
  const query = `WorkflowType = '${SESSION_WORKFLOW}'${ofProject}${STATE_FILTERS[state]}`;
  // A session that was reopened has several runs; the newest comes first.
  const newest = new Map<string, WorkflowExecutionInfo>();
  const seen = new Set<string>();
  let candidates: WorkflowExecutionInfo[] = [];
  const admit = async () => {
    const fit = state === 'closed' ? await closedOf(client, candidates) : candidates;
    for (const run of fit) if (newest.size < limit) newest.set(run.workflowId, run);
    candidates = [];
    onFound(newest.size);
  };
  for await (const run of client.workflow.list({ query, pageSize: Math.min(limit, 1_000) })) {
    if (seen.has(run.workflowId) || !isOf(run, project)) continue;
    seen.add(run.workflowId);
    candidates.push(run);
    if (newest.size + candidates.length >= limit || candidates.length >= CANDIDATES_MAX) {
      await admit();
    }
    if (newest.size >= limit) break;
  }
  await admit();
  return [...newest.values()]
    .sort((a, b) => b.startTime.getTime() - a.startTime.getTime())
    .map(rowOf);
}

const CANDIDATES_MAX = 200;
const ASKED_AT_ONCE = 16;

function isOf({ workflowId }: WorkflowExecutionInfo, project: string | undefined): boolean {
  return project === undefined || parseSessionWorkflowId(workflowId)?.project === project;
}

/** Those that are not open again. Each is asked for by its id, which Temporal takes as it is. */
async function closedOf(
  client: Client,
  runs: readonly WorkflowExecutionInfo[],
): Promise<WorkflowExecutionInfo[]> {
  const reopened = new Set<WorkflowExecutionInfo>();
  const queue = [...runs];
  const ask = async () => {
    for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
      if (await isOpen(client, run.workflowId)) reopened.add(run);
    }
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, ask));
  return runs.filter((run) => !reopened.has(run));
}

async function isOpen(client: Client, workflowId: string): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING';
  } catch (error) {
    // Its retention ended since it was listed.
    if (isWorkflowGone(error)) return false;
    throw error;
  }
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
    closed: closeTime?.toISOString() ?? null,
  };
}

const STATES: Readonly<Record<string, string>> = { RUNNING: 'open', COMPLETED: 'closed' };

/** A worker that has to replay a long session first takes a moment. */
const ANSWER_MS_MAX = 15_000;
/** Ending may take as long as writing does. */
const END_MS_MAX = 60_000;

/** A session's state, open or closed. @throws SojournError `SJ_NOT_FOUND` */
export async function stateOf(
  { client, connection }: Temporal,
  project: string,
  sessionId: string,
): Promise<SessionView> {
  try {
    return await connection.withDeadline(Date.now() + ANSWER_MS_MAX, () =>
      client.workflow.getHandle(sessionWorkflowId(project, sessionId)).query(stateQuery),
    );
  } catch (error) {
    throw explain(error, project, sessionId);
  }
}

/**
 * Ends a session. @returns what it came to, and whether it had ended before
 * @throws SojournError `SJ_NOT_FOUND`
 */
export async function settle(
  temporal: Temporal,
  project: string,
  sessionId: string,
): Promise<{ readonly view: SessionView; readonly already: boolean }> {
  const { client, connection } = temporal;
  const handle = client.workflow.getHandle(sessionWorkflowId(project, sessionId));
  try {
    const view = await connection.withDeadline(Date.now() + END_MS_MAX, () =>
      handle.executeUpdate(endUpdate),
    );
    return { view, already: false };
  } catch (error) {
    if (!isWorkflowGone(error) && !(error instanceof WorkflowUpdateFailedError)) {
      throw explain(error, project, sessionId);
    }
  }
  // It ended by itself, long ago or just now; or there never was one.
  const view = await stateOf(temporal, project, sessionId);
  if (view.status !== 'ended') {
    throw new SojournError('SJ_TIMEOUT', `session ${sessionId} went on; try again`);
  }
  return { view, already: true };
}

/** What an error of Temporal means for whoever asked about a session. */
export function explain(error: unknown, project: string, sessionId: string): unknown {
  if (isWorkflowGone(error)) {
    return new SojournError(
      'SJ_NOT_FOUND',
      `there is no session ${sessionId} in project ${project}, or it closed longer ago than Temporal keeps it (LATE_WINDOW)`,
      { cause: error },
    );
  }
  if (isUnanswered(error)) {
    return new SojournError(
      'SJ_TIMEOUT',
      'no worker answered for the session; is `npx sojourn up` or `npx sojourn worker` running?',
      { cause: error },
    );
  }
  return error;
}

/** Codes of a server that has nobody to ask: cancelled, deadline exceeded, failed precondition. */
const UNANSWERED_CODES: ReadonlySet<number> = new Set([1, 4, 9]);

function isUnanswered(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return isGrpcServiceError(cause) && UNANSWERED_CODES.has(cause.code);
}
