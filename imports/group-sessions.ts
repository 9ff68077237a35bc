/**
 * Events that lie together in any order, put together into sessions. Pure. Within a session events are in the order of
 * their times, and equal times in the order of their bytes: so the order of lines in a file changes nothing, not even
 * which of two events with one id is the first one.
 */
import { createHash } from 'node:crypto';
import { FLAG, type Frame, readFrames } from './frame.ts';

/** A session whose events are still bytes. */
export interface GroupedSession {
  readonly sessionId: string;
  /** Epoch milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** In their order; at least one. */
  readonly frames: readonly Frame[];
}

/**
 * @param buffer frames, all that there are of each of its keys
 * @param idleMs a visitor's events that lie further apart are of different sessions, milliseconds
 * @returns by the time of their first events, then by id
 */
export function groupSessions(buffer: Buffer, idleMs: number): GroupedSession[] {
  const sessions = new Map<string, Frame[]>();
  const visitors = new Map<string, Frame[]>();
  for (const [key, frame] of readFrames(buffer)) {
    const groups = (frame.flags & FLAG.visitor) === 0 ? sessions : visitors;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [frame]);
    else group.push(frame);
  }
  const grouped: GroupedSession[] = [];
  for (const [sessionId, frames] of sessions) {
    grouped.push(sessionOf(sessionId, inOrder(buffer, frames)));
  }
  for (const [visitor, frames] of visitors) {
    for (const some of cutVisits(inOrder(buffer, frames), idleMs)) {
      grouped.push(sessionOf(visitSessionId(visitor, some[0]?.at ?? 0), some));
    }
  }
  return grouped.sort(byTime);
}

/** The order in which sessions are loaded: by the time of their first events, then by id. */
export function byTime(
  a: { readonly firstAt: number; readonly sessionId: string },
  b: { readonly firstAt: number; readonly sessionId: string },
): number {
  if (a.firstAt !== b.firstAt) return a.firstAt - b.firstAt;
  return a.sessionId < b.sessionId ? -1 : a.sessionId > b.sessionId ? 1 : 0;
}

function sessionOf(sessionId: string, frames: readonly Frame[]): GroupedSession {
  const [first] = frames;
  return { sessionId, firstAt: first?.at ?? 0, lastAt: frames.at(-1)?.at ?? 0, frames };
}

function inOrder(buffer: Buffer, frames: Frame[]): Frame[] {
  return frames.sort(
    (a, b) => a.at - b.at || buffer.compare(buffer, b.jsonFrom, b.jsonTo, a.jsonFrom, a.jsonTo),
  );
}

/**
 * Cuts the events of one visitor, in order, where nothing happened for so long. As live a heartbeat keeps a visit up and
 * begins none: one that comes when none is up is left out, unless a visit begins at the same moment.
 */
export function* cutVisits<T extends Pick<Frame, 'at' | 'flags'>>(
  events: readonly T[],
  idleMs: number,
): Generator<T[]> {
  let visit: T[] = [];
  let lastAt = 0;
  /** Heartbeats of one moment, while no visit is up. */
  let early: T[] = [];
  for (const event of events) {
    const isUp = visit.length > 0 && event.at - lastAt < idleMs;
    if (!isUp && early[0]?.at !== event.at) early = [];
    if (!isUp && (event.flags & FLAG.heartbeat) !== 0) {
      early.push(event);
      continue;
    }
    if (!isUp) {
      if (visit.length > 0) yield visit;
      visit = early;
      early = [];
    }
    visit.push(event);
    lastAt = event.at;
  }
  if (visit.length > 0) yield visit;
}

/** The id of a session that nobody gave one. @param startsAt time of its first event, epoch milliseconds */
export function visitSessionId(visitor: string, startsAt: number): string {
  return createHash('sha256')
    .update(JSON.stringify([visitor, startsAt]))
    .digest('base64url')
    .slice(0, 22);
}
