/**
 * Whether a message of a project is within its quota: a fold over its messages in the order of EVENTS, with the times
 * that JetStream gave them. So it is a function of the stream and of when the quota was set, the same for whoever works
 * it out, and however often: a message that is offered again is not judged in another way.
 *
 *   quota 3   messages   1 2 3 4 5 | 6 7       | midnight of UTC
 *   taken                1 2 3     |           6 was the last of the day, 7 is the first of the next: taken
 *   over                       4 5 | 6
 */
import { byteSizeText } from './byte-size.ts';
import type { ProjectSettings } from './project.ts';

/** A day of UTC; what is not given has no limit. */
export type Quota = Pick<ProjectSettings, 'maxMessagesPerDay' | 'maxBytesPerDay'>;

/** From when on a quota counts. */
export interface QuotaChange {
  /** Epoch milliseconds by NATS's clock. */
  readonly from: number;
  readonly quota: Quota;
}

export interface Arrival {
  /** When EVENTS took it, epoch milliseconds. */
  readonly at: number;
  /** Of what it says, without headers. */
  readonly bytes: number;
}

/** What a project has had of its quota. */
export interface Spent {
  /** Days since 1970. */
  readonly day: number;
  readonly messages: number;
  readonly bytes: number;
  /** Something was over: nothing more is taken before the next day, or another quota. */
  readonly closed?: Closed;
}

export interface Closed {
  /** By which quota: its `from`. */
  readonly by: number;
  /** What was exceeded, for people. */
  readonly limit: string;
}

export interface Judged {
  readonly spent: Spent;
  /** Why it is not taken, for people; undefined where it is. */
  readonly over?: string;
}

export const NOTHING_SPENT: Spent = { day: 0, messages: 0, bytes: 0 };

/**
 * A change counts from so long after NATS has it: by then every process goes by it, so that none takes what another does
 * not.
 */
export const QUOTA_FROM_MS = 1_000;

const DAY_MS = 86_400_000;

export function dayOf(at: number): number {
  return Math.floor(at / DAY_MS);
}

/** Epoch milliseconds. */
export function startOfDay(day: number): number {
  return day * DAY_MS;
}

export function hasQuota({ maxMessagesPerDay, maxBytesPerDay }: Quota): boolean {
  return maxMessagesPerDay !== undefined || maxBytesPerDay !== undefined;
}

const NO_QUOTA: QuotaChange = { from: 0, quota: {} };

/**
 * The quotas that a project had, in order.
 * @param settings what was set when, the oldest first
 * @param isWhole whether that is all there ever was: else the first of them counts for all that came before
 */
export function quotaChanges(
  settings: readonly { readonly setAt: number; readonly quota: Quota }[],
  isWhole: boolean,
): readonly QuotaChange[] {
  const changes: QuotaChange[] = [];
  for (const [n, { setAt, quota }] of settings.entries()) {
    const from = n === 0 && !isWhole ? 0 : setAt + QUOTA_FROM_MS;
    // Something else was set: the quota that was used up stays used up.
    if (isSameQuota(changes.at(-1)?.quota ?? {}, quota)) continue;
    changes.push({ from, quota: pick(quota) });
  }
  return changes;
}

function pick({ maxMessagesPerDay, maxBytesPerDay }: Quota): Quota {
  return {
    ...(maxMessagesPerDay !== undefined && { maxMessagesPerDay }),
    ...(maxBytesPerDay !== undefined && { maxBytesPerDay }),
  };
}

function isSameQuota(a: Quota, b: Quota): boolean {
  return a.maxMessagesPerDay === b.maxMessagesPerDay && a.maxBytesPerDay === b.maxBytesPerDay;
}

/** That of a moment. */
export function quotaAt(changes: readonly QuotaChange[], at: number): QuotaChange {
  return changes.findLast(({ from }) => from <= at) ?? NO_QUOTA;
}

/** The next message of a project. */
export function judge(before: Spent, arrival: Arrival, changes: readonly QuotaChange[]): Judged {
  const day = dayOf(arrival.at);
  // A clock that is set back over midnight, as by another leader, does not give a day twice.
  const today = day > before.day ? { ...NOTHING_SPENT, day } : before;
  const { from, quota } = quotaAt(changes, arrival.at);
  const { messages, bytes, closed } = today;
  const spent = { day: today.day, messages: messages + 1, bytes: bytes + arrival.bytes };
  const limit = closed?.by === from ? closed.limit : exceeded(spent, quota);
  if (limit === undefined) return { spent };
  return {
    spent: { day: today.day, messages, bytes, closed: { by: from, limit } },
    over: overQuota(today.day, limit),
  };
}

function exceeded(
  { messages, bytes }: Pick<Spent, 'messages' | 'bytes'>,
  { maxMessagesPerDay: messagesMax = Infinity, maxBytesPerDay: bytesMax = Infinity }: Quota,
): string | undefined {
  if (messages > messagesMax) return `${messagesMax} messages`;
  return bytes > bytesMax ? byteSizeText(bytesMax) : undefined;
}

/** What the reason of such a dead letter begins with. */
export const OVER_QUOTA = 'over quota';

/** In the words of a dead letter. */
function overQuota(day: number, limit: string): string {
  const date = new Date(startOfDay(day)).toISOString().slice(0, 10);
  return `${OVER_QUOTA}: the project has had its ${limit} of ${date} (UTC); replay it on another day, or when the quota is raised`;
}

/** Whether nothing more would be taken, by all that is known. */
export function isSpent(spent: Spent, at: number, changes: readonly QuotaChange[]): boolean {
  if (spent.day !== dayOf(at)) return false;
  const { from, quota } = quotaAt(changes, at);
  const { maxMessagesPerDay = Infinity, maxBytesPerDay = Infinity } = quota;
  if (spent.closed?.by === from) return true;
  return spent.messages >= maxMessagesPerDay || spent.bytes >= maxBytesPerDay;
}
