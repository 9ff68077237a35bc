/** Remarks on what trackers send: a broken page can send thousands a second, so one line stands for many. */
import type { Logger } from '../platform/log.ts';

/** @param about what is said for itself: a tracker, a project; never a value that was sent */
export type Say = (
  sentence: string,
  about: Readonly<Record<string, string>>,
  count?: number,
  details?: Readonly<Record<string, unknown>>,
) => void;

const SAY_EVERY_MS = 10_000;

export function createSay(log: Logger, now: () => number): Say {
  const said = new Map<string, { readonly at: number; readonly count: number }>();
  return (sentence, about, count = 1, details = {}) => {
    const key = JSON.stringify([sentence, about]);
    const before = said.get(key) ?? { at: -Infinity, count: 0 };
    const sum = before.count + count;
    const isDue = now() - before.at >= SAY_EVERY_MS;
    said.set(key, isDue ? { at: now(), count: 0 } : { at: before.at, count: sum });
    if (isDue) log.warn({ ...about, count: sum, ...details }, sentence);
  };
}
