/**
 * Many sessions go over to other definitions, as operators see it: how far it is, and a hand on it (pause, resume). Each
 * session does it itself (`session.ts`); here they are found and told, a chunk at a time. May be cancelled or terminated
 * at any moment, and begun again: what is done is done.
 */
import {
  condition,
  continueAsNew,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import {
  countedOld,
  describeRestate,
  NO_CHUNK,
  openRestate,
  type RestateInput,
  restateViewOf,
  type RestateView,
  withChunk,
} from '../shared/restate-job.ts';
import {
  pauseRestateUpdate,
  pauseSignal,
  restateStateQuery,
  resumeRestateUpdate,
  resumeSignal,
} from './messages.ts';
import { showDetails } from './show-details.ts';

const { countOldSessions, findOldSessions, restateChunk } = proxyActivities<
  Pick<Activities, 'countOldSessions' | 'findOldSessions' | 'restateChunk'>
>({
  startToCloseTimeout: '1h',
  heartbeatTimeout: '20s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/** Runs until all that can be found is looked at. */
export async function restateSessions(input: RestateInput): Promise<RestateView> {
  const { plan } = input;
  let state = openRestate(input, Date.now());
  const view = () => restateViewOf(plan, state, Date.now());
  const setPaused = (isPaused: boolean) => {
    state = { ...state, isPaused };
    return view();
  };
  // A signal is for the Temporal UI, an update for who waits for an answer.
  setHandler(pauseSignal, () => void setPaused(true), { description: PAUSE });
  setHandler(resumeSignal, () => void setPaused(false), { description: RESUME });
  setHandler(pauseRestateUpdate, () => setPaused(true), { description: PAUSE });
  setHandler(resumeRestateUpdate, () => setPaused(false), { description: RESUME });
  setHandler(restateStateQuery, view, { description: 'How far it is.' });
  showDetails(() => describeRestate(view()));

  if (state.phase === 'counting') {
    const old = await countOldSessions(plan);
    state = countedOld(state, old);
  }
  while (state.phase === 'restating') {
    await condition(() => !state.isPaused);
    const { after } = state;
    const sessions = await findOldSessions({ plan, ...(after && { after }) });
    const isOver = sessions.length === 0;
    const chunk = isOver ? NO_CHUNK : await restateChunk({ plan, sessions });
    state = withChunk(state, sessions, chunk);
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    if (state.phase === 'done' || (historyLength < HISTORY_MAX && !continueAsNewSuggested))
      continue;
    await continueAsNew<typeof restateSessions>({ plan, state });
  }
  return view();
}

/** Well below what the server suggests; a chunk takes twelve events. */
const HISTORY_MAX = 2_000;
const PAUSE = 'Holds on after the sessions that are under way.';
const RESUME = 'Goes on.';
