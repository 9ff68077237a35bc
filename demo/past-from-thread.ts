/**
 * The sessions of the past, made in a thread: to make them is more than half of the work, and the other half, with all
 * that runs in this process, is done beside it.
 */
import { once } from 'node:events';
import type { WholeSession } from '../bulk/whole-session.ts';
import { startThread } from '../platform/thread.ts';
import type { PastPlan } from './past.ts';

/** At once; as many more are made meanwhile. */
const SESSIONS_AT_ONCE = 200;

/** @throws what the thread failed with */
export async function* pastFromThread(plan: PastPlan): AsyncGenerator<WholeSession> {
  const thread = startThread(new URL('past-thread', import.meta.url), import.meta.url, plan);
  const ended = new AbortController();
  thread.once('exit', () => {
    ended.abort(new Error('the thread that makes the past has ended'));
  });
  const ask = async (): Promise<readonly WholeSession[]> => {
    thread.postMessage(SESSIONS_AT_ONCE);
    // Rejects where the thread fails, too.
    const [some] = (await once(thread, 'message', ended)) as [string];
    return JSON.parse(some) as readonly WholeSession[];
  };
  try {
    let next = ask();
    for (let some = await next; some.length > 0; some = await next) {
      next = ask();
      // Whoever waits for it hears of it; who has enough does not.
      next.catch(() => undefined);
      yield* some;
    }
  } finally {
    await thread.terminate();
  }
}
