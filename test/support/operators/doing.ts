/** What an operator's doing gets to work with, and how it says what has to be right besides the round's traffic. */
import { createClient } from '@clickhouse/client';
import type { Client } from '@temporalio/client';
import type { Status } from '../../../operations/observe.ts';
import { CLICKHOUSE_ADMIN } from '../../../servers/index.ts';
import { DEADLETTERS_STREAM, deadLetterSubject } from '../../../shared/ids.ts';
import { eventually } from '../eventually.ts';
import type { FaultWorld } from '../fault-world.ts';
import { type CommandResult, connectTemporalOf, environmentOf, sojourn } from '../pipeline.ts';
import type { Random } from '../random.ts';
import type { ReferenceEvent } from '../reference.ts';
import { wrongRows } from '../wrong-rows.ts';

export interface Doing {
  readonly world: FaultWorld;
  /** The round's project. What a doing needs of its own lies in a project beside it. */
  readonly project: string;
  readonly random: Random;
  /** How long it lasts, where that is not given by what it does. */
  readonly forMs: number;
  readonly note: (text: string) => void;
  /** One more event of the round's own sessions, which the doing publishes. */
  readonly expectEvent: (event: ReferenceEvent) => void;
  /** A project whose rows have to be those of these events, now and for good. */
  readonly expectBeside: (project: string, events: readonly ReferenceEvent[]) => void;
}

export const PATIENCE = { withinMs: 60_000, everyMs: 300 } as const;

const NOON = Date.UTC(2026, 2, 3, 12);

/** Page views of a session, one a second from noon on, the last one perhaps its end. */
export function aVisit(
  project: string,
  sessionId: string,
  { from = 0, views = 3, ends = false }: { from?: number; views?: number; ends?: boolean } = {},
): ReferenceEvent[] {
  const make = (n: number, eventType: string): ReferenceEvent => ({
    project,
    sessionId,
    eventId: `${project}-${sessionId}-${n}`,
    eventType,
    timestamp: NOON + n * 1_000,
    userId: `user of ${sessionId}`,
    properties: { path: `/${n}`, country: 'DE' },
  });
  const visit = Array.from({ length: views }, (_, n) => make(from + n, 'pageview'));
  return ends ? [...visit, make(from + views, 'session_end')] : visit;
}

export async function publishAll(
  { world }: Pick<Doing, 'world'>,
  events: readonly ReferenceEvent[],
): Promise<void> {
  for (const { project, ...event } of events) {
    await world.publish(project, event, `${event.eventId}/alone`);
  }
}

/** Waits until the rows of a project are those of the events. @throws what differs */
export async function untilRows(
  { world }: Pick<Doing, 'world'>,
  project: string,
  events: readonly ReferenceEvent[],
): Promise<void> {
  await eventually(async () => {
    const wrong = wrongRows(await world.around.rows(project), events);
    if (wrong.length > 0) throw new Error(`${project}: ${wrong.slice(0, 10).join('\n')}`);
  }, PATIENCE);
}

/** Waits until ingest has acknowledged everything. */
export async function untilAllTaken({ world }: Pick<Doing, 'world'>): Promise<void> {
  await eventually(async () => {
    const left = await world.unfinishedEvents();
    if (left > 0) throw new Error(`${left} messages of EVENTS are not acknowledged`);
  }, PATIENCE);
}

/** A connection for each doing: the server may have been killed since the last one. */
export async function withTemporal<T>(
  { world }: Pick<Doing, 'world'>,
  ask: (client: Client) => Promise<T>,
): Promise<T> {
  const { client, connection } = await eventually(() => connectTemporalOf(world.servers), PATIENCE);
  try {
    return await ask(client);
  } finally {
    await connection.close();
  }
}

/** Statements of ClickHouse's administrator, one after the other. */
export async function asAdmin(
  { world: { servers } }: Pick<Doing, 'world'>,
  ...statements: readonly string[]
): Promise<void> {
  const client = createClient({
    url: servers.clickhouse.url,
    username: CLICKHOUSE_ADMIN,
    password: servers.secrets.clickhouse.adminPassword,
  });
  try {
    for (const query of statements) await eventually(() => client.command({ query }), PATIENCE);
  } finally {
    await client.close();
  }
}

/** `sojourn migrate`, straight to the servers. @throws with what it printed where it fails */
export async function migrate({ world }: Pick<Doing, 'world'>): Promise<void> {
  const { code, stderr } = await sojourn(['migrate'], environmentOf(world.servers));
  if (code !== 0) throw new Error(`migrate ended with ${String(code)}: ${stderr}`);
}

/** `sojourn audit` of a project: its exit code, 1 where rows differ, and what it says besides. */
export async function audit(
  { world }: Pick<Doing, 'world'>,
  project: string,
): Promise<Pick<CommandResult, 'code' | 'stderr'>> {
  return sojourn(['audit', '--project', project], environmentOf(world.servers));
}

/** @throws where `sojourn audit` of a project ends otherwise */
export async function expectAudit(
  doing: Pick<Doing, 'world'>,
  project: string,
  expected: 0 | 1,
  when: string,
): Promise<void> {
  const { code, stderr } = await audit(doing, project);
  if (code !== expected) {
    throw new Error(`${when}, and audit of ${project} ends with ${String(code)}: ${stderr}`);
  }
}

/** What `sojourn status` says of ClickHouse, where something is wrong with it. */
export async function clickHouseTrouble({ world }: Pick<Doing, 'world'>): Promise<string> {
  const { stdout } = await sojourn(['status', '--json'], environmentOf(world.servers));
  const { servers } = JSON.parse(stdout) as Pick<Status, 'servers'>;
  return servers.clickhouse.reachable ? '' : servers.clickhouse.error;
}

/** Waits until a project has so many dead letters, then takes them out. @throws where it has others */
export async function expectLetters(
  { world }: Pick<Doing, 'world'>,
  project: string,
  expected: number,
): Promise<void> {
  const subject = deadLetterSubject(project);
  await eventually(async () => {
    const { state } = await world.jsm.streams.info(DEADLETTERS_STREAM, {
      subjects_filter: subject,
    });
    const found = state.subjects?.[subject] ?? 0;
    if (found !== expected) {
      throw new Error(`${found} dead letters of ${project}, should be ${expected}`);
    }
  }, PATIENCE);
  await world.jsm.streams.purge(DEADLETTERS_STREAM, { filter: subject });
}
