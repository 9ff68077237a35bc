/** What Temporal knows of sessions, live and closed, for operators. */
import {
  type Client,
  isGrpcServiceError,
  type WorkflowExecutionInfo,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import pc from 'picocolors';
import { isWorkflowGone } from '../platform/temporal.ts';
import { SojournError } from '../shared/errors.ts';
import { parseSessionWorkflowId, SESSION_WORKFLOW, sessionWorkflowId } from '../shared/ids.ts';
import type { KeywordAttribute } from '../shared/search-attributes.ts';
import type { SessionView } from '../shared/session-view.ts';
import { endUpdate, stateQuery } from '../workflows/messages.ts';
import { commandConfig } from '../cli/command-config.ts';
import { type Temporal, withTemporal } from '../cli/connect.ts';
import { print, printable, printJson, printJsonArray, printTable, remark } from '../cli/output.ts';
import { createProgress } from '../cli/progress.ts';

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
  /** RFC 3339, UTC: when Temporal started and closed it. */
  readonly started: string;
  readonly closed: string | null;
}

interface CommonOptions {
  readonly json?: true | undefined;
  readonly dataDir: string;
}

export interface ListOptions extends CommonOptions {
  readonly project?: string | undefined;
  readonly state: 'open' | 'closed' | 'all';
  readonly limit: number;
}

export interface OneOptions extends CommonOptions {
  readonly project: string;
}

/** Prints sessions, the newest first. */
export async function listSessions(options: ListOptions): Promise<void> {
  const config = commandConfig(options, ['TEMPORAL_ADDRESS']);
  const rows = await withTemporal(config, ({ client }) => findSessions(client, options));
  if (options.json === true) await printJsonArray(rows);
  else printRows(rows);
}

/** Prints a session's state. @throws SojournError `SJ_NOT_FOUND` */
export async function showSession(sessionId: string, options: OneOptions): Promise<void> {
  const config = commandConfig(options, ['TEMPORAL_ADDRESS']);
  const view = await withTemporal(config, (temporal) =>
    stateOf(temporal, options.project, sessionId),
  );
  printView(view, options);
}

/** Ends a session and prints what it came to. @throws SojournError `SJ_NOT_FOUND` */
export async function endSession(sessionId: string, options: OneOptions): Promise<void> {
  const config = commandConfig(options, ['TEMPORAL_ADDRESS']);
  const view = await withTemporal(config, (temporal) =>
    settle(temporal, options.project, sessionId),
  );
  printView(view, options);
}

/** A run that went on as another is no session of its own. */
const STATE_FILTERS = {
  open: ` AND ExecutionStatus = 'Running'`,
  closed: ` AND ExecutionStatus != 'Running' AND ExecutionStatus != 'ContinuedAsNew'`,
  all: ` AND ExecutionStatus != 'ContinuedAsNew'`,
} as const;

async function findSessions(client: Client, options: ListOptions): Promise<SessionRow[]> {
  const { project, state, limit } = options;
  const ofProject = project === undefined ? '' : ` AND SojournProject = '${project}'`;
  const query = `WorkflowType = '${SESSION_WORKFLOW}'${ofProject}${STATE_FILTERS[state]}`;
  const progress = createProgress('listing sessions');
  // A session that was reopened has several runs; the newest comes first.
  const newest = new Map<string, WorkflowExecutionInfo>();
  try {
    let reopened = new Set<string>();
    for await (const run of client.workflow.list({ query, pageSize: Math.min(limit, 1_000) })) {
      if (newest.has(run.workflowId) || reopened.has(run.workflowId)) continue;
      newest.set(run.workflowId, run);
      progress.update(0, `${newest.size}`);
      if (newest.size < limit) continue;
      if (state === 'closed') reopened = await dropReopened(client, newest, reopened);
      if (newest.size >= limit) break;
    }
    if (state === 'closed') await dropReopened(client, newest, reopened);
  } finally {
    progress.stop();
  }
  return [...newest.values()]
    .sort((a, b) => b.startTime.getTime() - a.startTime.getTime())
    .map(rowOf);
}

/** Takes out closed runs of sessions that are open again. @returns all that were taken out so far */
async function dropReopened(
  client: Client,
  runs: Map<string, WorkflowExecutionInfo>,
  before: ReadonlySet<string>,
): Promise<Set<string>> {
  const reopened = new Set(before);
  const ids = [...runs.keys()];
  for (let start = 0; start < ids.length; start += IDS_PER_QUERY) {
    const list = ids.slice(start, start + IDS_PER_QUERY).map(quoted);
    const query = `ExecutionStatus = 'Running' AND WorkflowId IN (${list.join(', ')})`;
    for await (const { workflowId } of client.workflow.list({ query })) {
      runs.delete(workflowId);
      reopened.add(workflowId);
    }
  }
  return reopened;
}

const IDS_PER_QUERY = 50;

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
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

function printRows(rows: readonly SessionRow[]): void {
  if (rows.length === 0) {
    remark('no sessions');
    return;
  }
  printTable(
    [
      'ID',
      'PROJECT',
      'STATE',
      'USER',
      'SOURCE',
      'COUNTRY',
      'DEVICE',
      'ENGAGED',
      'STARTED',
      'CLOSED',
    ],
    rows.map((row) => [
      row.id,
      row.project,
      row.state,
      row.user ?? '',
      row.source ?? '',
      row.country ?? '',
      row.device ?? '',
      row.engaged === null ? '' : row.engaged ? 'yes' : 'no',
      shortTime(row.started),
      row.closed === null ? '' : shortTime(row.closed),
    ]),
  );
}

function shortTime(time: string): string {
  return time.slice(0, 19).replace('T', ' ');
}

/** A worker that has to replay a long session first takes a moment. */
const ANSWER_MS_MAX = 15_000;
/** Ending may take as long as writing does. */
const END_MS_MAX = 60_000;

async function stateOf(
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

async function settle(
  temporal: Temporal,
  project: string,
  sessionId: string,
): Promise<SessionView> {
  const { client, connection } = temporal;
  const handle = client.workflow.getHandle(sessionWorkflowId(project, sessionId));
  const progress = createProgress('ending the session');
  const ticker = setInterval(() => {
    progress.update(0, '');
  }, 200);
  try {
    return await connection.withDeadline(Date.now() + END_MS_MAX, () =>
      handle.executeUpdate(endUpdate),
    );
  } catch (error) {
    if (!isWorkflowGone(error) && !(error instanceof WorkflowUpdateFailedError)) {
      throw explain(error, project, sessionId);
    }
  } finally {
    clearInterval(ticker);
    progress.stop();
  }
  // It ended by itself, long ago or just now; or there never was one.
  const view = await stateOf(temporal, project, sessionId);
  if (view.status !== 'ended') {
    throw new SojournError('SJ_TIMEOUT', `session ${sessionId} went on; try again`);
  }
  remark('the session had already ended');
  return view;
}

function explain(error: unknown, project: string, sessionId: string): unknown {
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

function printView(view: SessionView, options: CommonOptions): void {
  if (options.json === true) {
    printJson(view);
    return;
  }
  const { attributes } = view;
  const lines: readonly (readonly [string, string | number | undefined])[] = [
    ['session', view.sessionId],
    ['project', view.project],
    ['status', view.endReason === undefined ? view.status : `${view.status} (${view.endReason})`],
    ['first event', view.firstEventAt],
    ['last event', view.lastEventAt],
    ['duration', `${view.durationSeconds} s`],
    ['events', view.events],
    ['page views', view.pageViews],
    ['conversions', view.conversions],
    ['revenue', view.revenue],
    ['engaged', view.engaged ? 'yes' : 'no'],
    ['bounced', view.bounced ? 'yes' : 'no'],
    ['entry path', view.entryPath],
    ['exit path', view.exitPath],
    ['user', attributes.userId],
    ['new user', view.newUser === undefined ? undefined : view.newUser ? 'yes' : 'no'],
    ['traffic source', attributes.trafficSource],
    ['country', attributes.country],
    ['device', attributes.deviceType],
    ['browser', attributes.browser],
    ['os', attributes.os],
    ['writes', view.writes],
    ['written', view.written ? 'all' : 'not yet all'],
    ['next step at', view.nextStepAt],
    ['first run', view.firstRunId],
  ];
  for (const [name, value] of lines) {
    if (value === undefined) continue;
    print(`${pc.dim(name.padEnd(LABEL_WIDTH))}${printable(String(value))}`);
  }
}

const LABEL_WIDTH = 16;
