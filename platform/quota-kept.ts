/**
 * What a project has had of its quota, where it survives the process: up to a message that is acknowledged, as are all
 * before it, so that nobody has to judge them again. Whoever begins to count goes on from there.
 */
import { isApiError, type Nats } from './nats.ts';
import { INGEST_STREAM, QUOTA_SUBJECT } from '../shared/ids.ts';
import { each } from '../shared/each.ts';
import { hasQuota, type Quota, type Spent } from '../shared/quota.ts';

export interface KeptCount {
  /** When EVENTS was made, as JetStream says it: its identity. */
  readonly stream: string;
  /** The last message of the project that is counted. */
  readonly seq: number;
  /** When EVENTS took it, epoch milliseconds: another message under this sequence shows that the stream was put back. */
  readonly at: number;
  readonly spent: Spent;
  /** The quota that counts, and whether nothing more is taken by it: for people. */
  readonly quota: Quota;
  readonly isUsedUp: boolean;
}

const NO_MESSAGE = 10037;

/** Undefined where there is none that can be read. @throws what the client throws */
export async function loadCount(
  { jsm }: Pick<Nats, 'jsm'>,
  project: string,
): Promise<KeptCount | undefined> {
  try {
    const query = { last_by_subj: `${QUOTA_SUBJECT}.${project}` };
    const message = await jsm.streams.getMessage(INGEST_STREAM, query);
    return message === null ? undefined : parseCount(message.string());
  } catch (error) {
    if (isApiError(error, NO_MESSAGE)) return undefined;
    throw error;
  }
}

/** More are not told of. */
const TOLD_MAX = 500;

/** Those of this day, by project. @throws what the client throws */
export async function loadCounts(
  nats: Pick<Nats, 'jsm'>,
  day: number,
): Promise<ReadonlyMap<string, KeptCount>> {
  const subjects_filter = `${QUOTA_SUBJECT}.*`;
  const { state } = await nats.jsm.streams.info(INGEST_STREAM, { subjects_filter });
  const projects = Object.keys(state.subjects ?? {}).map((subject) =>
    subject.slice(QUOTA_SUBJECT.length + 1),
  );
  const counts = new Map<string, KeptCount>();
  await each(projects.sort().slice(0, TOLD_MAX), AT_A_TIME, async (project) => {
    const count = await loadCount(nats, project);
    if (count?.spent.day === day && hasQuota(count.quota)) counts.set(project, count);
  });
  return counts;
}

const AT_A_TIME = 16;

/** What another process keeps at the same time is as true. @throws what the client throws */
export async function keepCount(
  { js }: Pick<Nats, 'js'>,
  project: string,
  count: KeptCount,
): Promise<void> {
  await js.publish(`${QUOTA_SUBJECT}.${project}`, JSON.stringify(count), { timeout: 5_000 });
}

export function parseCount(text: string): KeptCount | undefined {
  try {
    const { stream, seq, at, spent, quota, isUsedUp } = JSON.parse(text) as Partial<KeptCount>;
    const isWhole =
      typeof stream === 'string' &&
      typeof seq === 'number' &&
      typeof at === 'number' &&
      [spent?.day, spent?.messages, spent?.bytes].every((n) => Number.isSafeInteger(n));
    return isWhole
      ? { stream, seq, at, spent: spent as Spent, quota: quota ?? {}, isUsedUp: isUsedUp === true }
      : undefined;
  } catch {
    return undefined;
  }
}
