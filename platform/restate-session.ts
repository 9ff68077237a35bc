/** Has one session go by other definitions, for whoever restates many (`activities/restate-chunk.ts`). */
import type { Client } from '@temporalio/client';
import type { SessionHistory } from '../activities/load-snapshot.ts';
import type { Restated, RestateSession } from '../activities/restate-chunk.ts';
import { SojournError } from '../shared/errors.ts';
import type { OldSession } from '../shared/restate-job.ts';
import type { SessionView } from '../shared/session-view.ts';
import { restateSignal, restateUpdate } from '../workflows/messages.ts';
import { stateOf } from './session-state.ts';
import { fulfil, type Wish } from './tell-session.ts';

/** @param history where a closed one left what it knew */
export function createRestateSession(client: Client, history: SessionHistory): RestateSession {
  return async (session, catalogue) => {
    try {
      const before = await ownView(client, session);
      if (before === undefined) return { as: 'gone' };
      const wish = restateWish(catalogue);
      const { already } = await fulfil(client, history, session, { wish, before });
      return { as: already ? 'already' : 'restated' };
    } catch (error) {
      return whyNot(error);
    }
  };
}

/** What is told a session that is to go by a version of the definitions. */
export function restateWish(catalogue: number): Wish {
  const args: [{ readonly catalogue: number }] = [{ catalogue }];
  return {
    signal: restateSignal.name,
    signalArgs: args,
    update: (handle) => handle.executeUpdate(restateUpdate, { args }),
    isDone: (view) => (view.catalogue ?? 1) >= catalogue && view.turning === undefined,
  };
}

/** @returns undefined where the id is that of another session by now: it comes again after LATE_WINDOW */
export async function ownView(
  client: Client,
  { project, sessionId, identity }: OldSession,
): Promise<SessionView | undefined> {
  const view = await stateOf({ client }, project, sessionId);
  return view.firstRunId === identity ? view : undefined;
}

/** @throws what is neither of the two that no other try will mend */
function whyNot(error: unknown): Restated {
  if (error instanceof SojournError && error.code === 'SJ_NOT_FOUND') return { as: 'gone' };
  if (error instanceof SojournError && error.code === 'SJ_NOT_EXACT') {
    return { as: 'refused', reason: error.message };
  }
  throw error;
}
