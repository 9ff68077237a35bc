/** What is published before and after stores are put back to copies, and what then has to be in the tables. */
import { expect } from 'chai';
import { eventually } from './eventually.ts';
import { auditOf, statusOf, type Stores } from './installation.ts';
import type { ReferenceRows } from './reference.ts';
import { eventsIn, type Phase, PROJECT_NAMES } from './restore-model.ts';
import { differingRows } from './wrong-rows.ts';

const SOON = { withinMs: 30_000, everyMs: 300 } as const;

/** What producers send in a phase, and a message that is none. */
export async function publishPhase({ around }: Stores, phase: Phase): Promise<void> {
  for (const project of PROJECT_NAMES) {
    for (const { project: _project, ...event } of eventsIn(project, phase)) {
      await around.publish(project, event, { 'Nats-Msg-Id': event.eventId });
    }
  }
  await around.publish(BAD, `no event, in phase ${phase}`);
}

/** A project of which nothing can be read. */
const BAD = 'bad';

export async function expectRows(
  { around }: Stores,
  expected: (project: string) => ReferenceRows,
): Promise<void> {
  await eventually(async () => {
    const wrong: string[] = [];
    for (const project of PROJECT_NAMES) {
      const rows = differingRows(await around.rows(project), expected(project));
      wrong.push(...rows.map((text) => `${project}: ${text}`));
    }
    if (wrong.length > 0) throw new Error(wrong.slice(0, 60).join('\n'));
  }, SOON);
}

/** Names these projects and no others, and says whether the rollup log was put back. */
export async function expectAudit(
  opened: Stores,
  drifting: readonly string[],
  isLogPutBack: boolean,
): Promise<void> {
  const { code, rows, putBack } = await auditOf(opened);
  expect([...new Set(rows.map(({ project }) => project))]).to.have.members(drifting);
  expect(code).to.equal(drifting.length > 0 ? 1 : 0);
  expect(putBack.length > 0).to.equal(isLogPutBack);
}

/** Nothing waits, and nothing is tried in vain. */
export async function expectCalm(opened: Stores): Promise<void> {
  const { events, differences } = await statusOf(opened);
  expect(events).to.deep.equal({ pending: 0, unacknowledged: 0 });
  expect(differences.pending).to.equal(0);
}

export async function newUsers({ around }: Stores): Promise<number> {
  const [row] = await around.select<{ count: string }>(
    `SELECT toString(sum(metrics.count)) AS count FROM sojourn.metrics
     WHERE project = 'users' AND metric_type = 'new_users'`,
  );
  return Number(row?.count);
}

/** What a worker notices of it. */
const NOTICES = {
  'tables short': 'clickhouse lacks what was loaded into it',
  'log put back': 'rollup log was put back to an older copy',
  'run lost': 'a run of the session that has written is lost',
} as const;
export type Notice = keyof typeof NOTICES;

/** Those that a log has. */
export function noticesIn(log: string): string[] {
  return Object.entries(NOTICES).flatMap(([notice, line]) => (log.includes(line) ? [notice] : []));
}
