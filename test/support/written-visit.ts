/** What a session leaves in the tables, as the loader writes it: for tests that fill ClickHouse without a pipeline. */
import { sessionTableRow } from '../../activities/load-batch.ts';
import type { Contributions } from '../../shared/contributions.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import { applyEvents, emptySession, factsOf, sessionRows } from '../../shared/session.ts';
import { aRollup } from './builders.ts';

export interface VisitOnPage {
  readonly id: string;
  readonly isNew: boolean;
  /** What is there of it by now, and what will come late. */
  readonly events: readonly VisitorEvent[];
  readonly late: readonly VisitorEvent[];
  readonly excluded: boolean;
  readonly writeNo: number;
}

/** The row of `sessions`, and all that `metrics` has to hold of the visit. */
export function written(
  project: string,
  visit: VisitOnPage,
): { readonly row: object; readonly rows: Contributions } {
  const state = emptySession();
  const rows: Contributions = applyEvents(state, visit.events);
  const facts = factsOf(state, visit.isNew);
  if (facts === undefined) throw new Error('a session has events');
  for (const [key, amount] of sessionRows(facts)) rows.set(key, amount);
  const session = { ...facts, status: 'ended', updatedAt: facts.lastEventAt } as const;
  const record = aRollup({
    ...{ project, session, sessionId: visit.id, writeNo: visit.writeNo },
    identity: identityOf(visit),
  });
  const row = { ...sessionTableRow(record), excluded: visit.excluded };
  const none: Contributions = new Map();
  return { row, rows: visit.excluded ? none : rows };
}

/** As Temporal names runs: by the time that the first event came in. */
export const identityOf = ({ id, events, late }: VisitOnPage): string =>
  `${Math.min(...[...events, ...late].map(({ at }) => at))
    .toString(16)
    .padStart(12, '0')}-${id}`;
