/**
 * What the events of a session have added by themselves, for one that leaves the numbers or comes back to them, or goes
 * over to other definitions: what its runs were told is read from their histories, and folded once more. Nobody else pays
 * for it.
 */
import { LRUCache } from 'lru-cache';
import type { AnyBatch } from '../shared/batch.ts';
import { CATALOGUE_VERSION } from '../shared/catalogue.ts';
import {
  type EventRowsPage,
  type EventRowsRequest,
  foldAgain,
  isSameProof,
  pageOf,
  type Refusal,
  type ToldAgain,
} from '../shared/exclusion.ts';
import { sessionWorkflowId } from '../shared/ids.ts';
import type { ToldUpTo } from '../shared/turning.ts';

/** What the runs of a session were told, as far as their histories are kept. */
export interface Told {
  /** In the order in which the session was told them. */
  readonly batches: readonly AnyBatch[];
  /** The history of its first run is among them. */
  readonly isFromTheFirst: boolean;
}

/** What is needed of Temporal. */
export interface ToldSessions {
  /** @param identity first run of the session: others had the same id before */
  toldUpTo(workflowId: string, identity: string, upTo: ToldUpTo): Promise<Told>;
}

export interface EventRows {
  /**
   * The next page; or why there is none, which is said only where nothing has been done yet.
   * @param attempt from 1: the list of runs may be a moment behind
   * @throws Error where it does not add up, and may on another try
   */
  read(request: EventRowsRequest, attempt: number): Promise<EventRowsPage | Refusal>;
}

/** Sessions whose rows are remembered between two pages: some more than a restatement tells at once. */
const REMEMBERED_MAX = 12;
/** With the pauses between them some ten seconds. */
const ATTEMPTS_MAX = 5;

export function createEventRows(sessions: ToldSessions): EventRows {
  const remembered = new LRUCache<string, ToldAgain>({ max: REMEMBERED_MAX });
  return {
    async read(request, attempt) {
      const { project, sessionId, identity, turning } = request;
      const { after, restates } = turning;
      if (restates !== undefined && restates.to > CATALOGUE_VERSION) {
        return refuse(newerThanKnown(restates.to), request, attempt);
      }
      const workflowId = sessionWorkflowId(project, sessionId);
      // A session may go by other definitions since it was last asked about.
      const what = restates === undefined ? request.catalogue : `${restates.from} ${restates.to}`;
      const name = `${workflowId} ${turning.runId} ${turning.batches} ${what}`;
      let again = remembered.get(name);
      let isFromTheFirst = true;
      if (again === undefined) {
        const told = await sessions.toldUpTo(workflowId, identity, turning);
        ({ isFromTheFirst } = told);
        again = foldAgain(told.batches, request, restates);
      }
      if (isSameProof(again.proof, turning.proof)) {
        const page = pageOf(again.rows, after);
        if (page.isLast) remembered.delete(name);
        else remembered.set(name, again);
        const { kept } = again;
        return after === undefined && kept !== undefined ? { ...page, kept } : page;
      }
      return refuse(isFromTheFirst ? NOT_THE_SAME : FORGOTTEN, request, attempt);
    },
  };
}

/** @throws Error where another try may do, or where it is too late to refuse */
function refuse(refused: string, { turning }: EventRowsRequest, attempt: number): Refusal {
  if (turning.after === undefined && attempt >= ATTEMPTS_MAX) return { refused };
  throw new Error(refused);
}

export const FORGOTTEN =
  'what this session has counted cannot be told exactly any more: Temporal has deleted the history of an earlier run of it (it keeps them for LATE_WINDOW after the run closed)';
export const NOT_THE_SAME =
  'what this session has counted cannot be told exactly: the histories of its runs do not add up to its numbers (a run of it was terminated, reset or deleted)';

/** In the middle of an upgrade another worker may know it. */
export function newerThanKnown(version: number): string {
  return `definitions of version ${version} are newer than this worker, which knows ${CATALOGUE_VERSION}: upgrade the workers first`;
}
