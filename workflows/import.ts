/**
 * An import of history, as operators see it: how far it is, what it waits for, and a hand on it (pause, resume, undo). What
 * is done is done by the command that has the files, a chunk at a time; what is loaded, and so where to go on, is in
 * ClickHouse. So this may be terminated, and the command run again.
 */
import {
  CancellationScope,
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ImportActivities } from '../imports/activities.ts';
import { importQueue } from '../shared/ids.ts';
import {
  describeImport,
  type ImportInput,
  importViewOf,
  type ImportView,
  openImport,
} from '../shared/import-plan.ts';
import {
  importStateQuery,
  pauseSignal,
  pauseUpdate,
  resumeSignal,
  resumeUpdate,
  undoSignal,
  undoUpdate,
} from './messages.ts';

/** Runs until all is loaded, or taken back. Fails only where the server ends it. */
export async function importHistory(input: ImportInput): Promise<ImportView> {
  const { plan } = input;
  const state = openImport(input, Date.now());
  const view = () => importViewOf(plan, state, Date.now());
  const hands = handsOf(plan.id);
  let loading: CancellationScope | undefined;
  let pausedAt: number | undefined;

  const pause = () => {
    if (state.phase !== 'loading' || state.isPaused) return;
    state.isPaused = true;
    pausedAt = Date.now();
  };
  const resume = () => {
    state.pausedMs += pausedAt === undefined ? 0 : Date.now() - pausedAt;
    pausedAt = undefined;
    state.isPaused = false;
  };
  const undo = (life = plan.life) => {
    // Meant for an earlier life, whose files are being imported again.
    if (life !== plan.life) return;
    resume();
    if (state.phase === 'taken back') return;
    state.phase = 'taking back';
    loading?.cancel();
  };
  const isUndone = () => state.phase === 'taking back';

  // A signal is for the Temporal UI, an update for who waits for an answer.
  setHandler(pauseSignal, pause);
  setHandler(resumeSignal, resume);
  setHandler(undoSignal, undo);
  setHandler(pauseUpdate, () => (pause(), view()));
  setHandler(resumeUpdate, () => (resume(), view()));
  setHandler(undoUpdate, () => (undo(), view()));
  setHandler(importStateQuery, view);
  setCurrentDetails({ toJSON: () => describeImport(view()) } as unknown as string);

  async function goOnElsewhere(): Promise<void> {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    if (historyLength < HISTORY_MAX && !continueAsNewSuggested) return;
    await continueAsNew<typeof importHistory>({ ...input, state });
  }

  async function loadNext(): Promise<void> {
    loading = new CancellationScope();
    try {
      const loaded = await loading.run(() => hands.loadChunk({ plan, number: state.chunk + 1 }));
      state.chunk = loaded.number;
      state.sessions += loaded.sessions;
      state.events += loaded.events;
      if (!loaded.isLast) return;
      await hands.noteDone(plan);
      // Whoever says so from now on says it to the next run.
      if (!isUndone()) state.phase = 'done';
    } catch (error) {
      // Cancelled, or lost with the process that did it: what it has come to is found by what takes it back.
      if (!isUndone()) throw error;
    } finally {
      loading = undefined;
    }
  }

  while (state.phase === 'loading') {
    await condition(() => !state.isPaused || isUndone());
    if (isUndone()) break;
    await loadNext();
    await goOnElsewhere();
  }
  while (isUndone()) {
    const { chunk, isOver } = await hands.takeBack(plan);
    state.takenBack = chunk;
    if (isOver) state.phase = 'taken back';
    else await goOnElsewhere();
  }
  return view();
}

/** Well below what the server suggests; a chunk takes about ten events. */
const HISTORY_MAX = 2_000;

/** On the machine of the command: it waits there for as long as nobody runs it. */
function handsOf(id: string) {
  return proxyActivities<ImportActivities>({
    taskQueue: importQueue(id),
    startToCloseTimeout: '1h',
    heartbeatTimeout: '6s',
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    // With the heartbeat timeout: what a killed command was about is begun anew within a quarter of a minute.
    retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '5s' },
  });
}
