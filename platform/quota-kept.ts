/**
 * What a project has had of its quota, where it survives the process: up to a message that is acknowledged, as are all
 * before it, so that nobody has to judge them again. Whoever begins to count goes on from there.
 */
import type { StreamInfo } from '@nats-io/jetstream';
import { isApiError, type Nats } from './nats.ts';
import { EVENTS_STREAM, INGEST_STREAM, QUOTA_SUBJECT } from '../shared/ids.ts';
import { each } from '../shared/each.ts';
import { dayOf, hasQuota, type Quota, type Spent, startOfDay } from '../shared/quota.ts';
import { keepNewer } from './keep-newer.ts';
import { readRange } from './stream-range.ts';

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

/**
 * What another process keeps at the same time is as true, and one that is behind takes nothing back: what lies before
 * may have been purged since.
 * @throws what the client throws
 */
export async function keepCount(
  nats: Pick<Nats, 'js' | 'jsm'>,
  project: string,
  count: KeptCount,
): Promise<void> {
  const isNew = async (kept: KeptCount) =>
    kept.stream !== count.stream ||
    kept.seq <= count.seq ||
    !(await isCountOf(nats, await nats.jsm.streams.info(EVENTS_STREAM), kept));
  await keepNewer(nats, `${QUOTA_SUBJECT}.${project}`, count, parseCount, isNew);
}

/**
 * Whether a count is of EVENTS as it lies there: else that was made anew, or put back to an older copy.
 * @param events asked for after the count: one that was kept since would be ahead of it
 * @throws what the client throws
 */
export async function isCountOf(
  nats: Pick<Nats, 'jsm'>,
  { created, state }: Pick<StreamInfo, 'created' | 'state'>,
  { stream, seq, at }: KeptCount,
): Promise<boolean> {
  return stream === created && seq <= state.last_seq && (await liesOrLay(nats, seq, at));
}

/** Whether the message of this sequence is still that of this time, or gone: else the stream was put back, and gave it again. */
export async function liesOrLay(
  { jsm }: Pick<Nats, 'jsm'>,
  seq: number,
  at: number,
): Promise<boolean> {
  const message = await jsm.streams.getMessage(EVENTS_STREAM, { seq });
  return message === null || message.time.getTime() === at;
}

/**
 * The first message of a project that whoever begins to count has to find in EVENTS; undefined where that is none.
 * @param floor up to there everything is acknowledged, so nothing is judged any more
 * @throws what the client throws
 */
export async function firstToCount(
  nats: Pick<Nats, 'js' | 'jsm'>,
  project: string,
  floor: number,
): Promise<number | undefined> {
  const next = (after: number) => {
    // The server knows this; the client's types do not.
    const query = { seq: after + 1, next_by_subj: projectEvents(project) };
    return nats.jsm.streams.getMessage(EVENTS_STREAM, query);
  };
  const kept = await loadCount(nats, project);
  const events = await nats.jsm.streams.info(EVENTS_STREAM);
  const { last_ts, last_seq: to } = events.state;
  // Where nothing waits, by the server's clock: what comes next is of that day, or a later one.
  const day = dayOf((await next(floor))?.time.getTime() ?? Date.parse(last_ts));
  if (kept?.spent.day === day && (await isCountOf(nats, events, kept))) {
    return (await next(kept.seq))?.seq;
  }
  const since = new Date(startOfDay(day));
  const ofDay = { stream: EVENTS_STREAM, subject: projectEvents(project), since, to } as const;
  for await (const { seq } of readRange(nats.js, { ...ofDay, headersOnly: true })) return seq;
  return undefined;
}

export function projectEvents(project: string): string {
  return `events.${project}.>`;
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
