import { Context } from '@temporalio/activity';

/** Well within the heartbeat timeouts of the loader and of imports. */
const HEARTBEAT_EVERY_MS = 2_000;

/**
 * Tells the server that somebody is at it. Without that a task whose worker died, or that got lost on its way to one,
 * would hold up its workflow until its time is over.
 * @param details what the next attempt is to know: each beat replaces those of the one before
 */
export async function whileBeating<T>(work: () => Promise<T>, details?: unknown): Promise<T> {
  const context = Context.current();
  const beat = setInterval(() => {
    context.heartbeat(details);
  }, HEARTBEAT_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
  }
}
