/**
 * The visits of docs/examples/visits.ndjson as rows of ClickHouse: read by the border, folded as a session folds them and
 * written as the loader writes them. What the documentation says about them is checked with it.
 */
import { readFileSync } from 'node:fs';
import { metricTableRows, sessionTableRow } from '../../activities/load-batch.ts';
import { addAll, type Contributions } from '../../shared/contributions.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import { DEFAULT_SETTINGS, type ProjectSettings } from '../../shared/project.ts';
import { applyEvents, emptySession, factsOf, sessionRows } from '../../shared/session.ts';
import { parseMessage } from '../../workers/ingest/parse-event.ts';
import { aRollup } from './builders.ts';

/** What `sojourn project set` is told in docs/questions.md. */
export const KNOWN_SETTINGS: ProjectSettings = {
  ...DEFAULT_SETTINGS,
  timeZone: 'Europe/Berlin',
  currency: 'EUR',
  ownHosts: ['shop.example'],
  dimensions: { plan: 'plan', saw_product: 'saw_product', began_checkout: 'began_checkout' },
};

interface KnownRows {
  readonly metrics: readonly object[];
  readonly sessions: readonly object[];
}

/** Rows of the tables `metrics` and `sessions` for all visits, in the project that is named. */
export function knownRows(project: string): KnownRows {
  const sums: Contributions = new Map();
  const sessions: object[] = [];
  const users = new Set<string>();
  for (const [sessionId, events] of readVisits(project)) {
    const state = emptySession();
    addAll(sums, applyEvents(state, events));
    const userId = state.attributes.get('userId')?.value;
    const facts = factsOf(state, userId === undefined ? undefined : !users.has(userId));
    if (facts === undefined) throw new Error(`${sessionId} has no events`);
    if (userId !== undefined) users.add(userId);
    addAll(sums, sessionRows(facts));
    const row = {
      ...facts,
      status: 'ended',
      endReason: 'idle',
      updatedAt: facts.lastEventAt,
    } as const;
    const identity = `${facts.firstEventAt.toString(16).padStart(12, '0')}-${sessionId}`;
    sessions.push(
      sessionTableRow(aRollup({ project, sessionId, identity, session: { ...row, catalogue: 2 } })),
    );
  }
  return {
    metrics: metricTableRows(project, sums),
    sessions,
  };
}

function readVisits(project: string): Map<string, VisitorEvent[]> {
  const file = new URL('../../docs/examples/visits.ndjson', import.meta.url);
  const visits = new Map<string, VisitorEvent[]>();
  for (const [index, line] of readFileSync(file, 'utf8').trim().split('\n').entries()) {
    const { events, deadLetters } = parseMessage(
      {
        subject: `events.${project}._`,
        data: Buffer.from(line),
        seq: index + 1,
        receivedAt: Date.UTC(2026, 2, 20),
      },
      () => KNOWN_SETTINGS,
    );
    if (deadLetters.length > 0) throw new Error(`line ${index + 1}: ${deadLetters[0]?.reason}`);
    for (const { sessionId, event } of events) {
      visits.set(sessionId, [...(visits.get(sessionId) ?? []), event]);
    }
  }
  return visits;
}
