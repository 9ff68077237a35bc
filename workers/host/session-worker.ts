/** The Temporal worker: runs session and loader workflows, and their activities. */
import type { Client } from '@temporalio/client';
import {
  makeTelemetryFilterString,
  type NativeConnection,
  Runtime,
  type TelemetryOptions,
} from '@temporalio/worker';
import { createActivities, type ActivityDeps } from '../../activities/index.ts';
import type { Logger } from '../../platform/log.ts';
import { within } from '../../platform/within.ts';
import { TASK_QUEUE } from '../../shared/ids.ts';
import { askLogSignal } from '../../workflows/messages.ts';
import { keepLoaders, startLoaders } from './keep-loaders.ts';
import { checkSdk, type SandboxKind } from './sdk-check.ts';
import { type PutInQuestion, SdkSandboxHost, SessionHost, sessionSinks } from './session-host.ts';
import { KEPT_TASK_WAITS_MS, type Untaken } from './untaken.ts';
import { workflowBundle } from './workflow-bundle.ts';

export interface SessionWorkerDeps {
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly namespace: string;
  readonly activities: Omit<ActivityDeps, 'stopping'>;
  /** Told of each workflow that somebody looks at. */
  readonly onAsked: (workflowId: string) => void;
  readonly log: Logger;
  /** `WORKFLOW_SANDBOX`. */
  readonly sandbox: SandboxKind;
}

export interface SessionWorker {
  /** Rejects when the worker breaks; resolves after {@link stop}. */
  readonly finished: Promise<void>;
  /** Workflow tasks and local activities under way. */
  readonly load: number;
  /** Signals that sessions have yet to take up here. */
  readonly untaken: Untaken;
  /** @param listener told of each workflow that takes up something: its start, or a signal */
  onTaken(listener: (workflowId: string) => void): void;
  /** Takes no new tasks, finishes those under way. */
  stop(): Promise<void>;
}

/**
 * At its very end the library's worker says goodbye to the server, and waits half a minute for an answer. The time
 * that it is given below does not count for that.
 */
const STOP_MS_MAX = 9_000;

/** Sends the Temporal library's log lines to ours. Once a process, before any connection. */
export function installTemporalRuntime(log: Logger, metrics?: TelemetryOptions['metrics']): void {
  const child = log.child({ module: 'temporal' });
  const write = (level: string, message: string, given: { readonly error?: unknown } = {}) => {
    // Under the name that the logger writes out with message, cause and stack.
    const { error, ...rest } = given;
    const meta = error === undefined ? rest : { ...rest, err: error };
    const method = level === 'TRACE' ? 'trace' : (level.toLowerCase() as 'debug' | 'info' | 'warn');
    // The library is talkative about its own start and stop: that is debug to us.
    child[method === 'info' ? 'debug' : method](meta, message);
  };
  Runtime.install({
    logger: {
      log: write,
      trace: (message, meta) => {
        write('TRACE', message, meta);
      },
      debug: (message, meta) => {
        write('DEBUG', message, meta);
      },
      info: (message, meta) => {
        write('INFO', message, meta);
      },
      warn: (message, meta) => {
        write('WARN', message, meta);
      },
      error: (message, meta) => {
        write('ERROR', message, meta);
      },
    },
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'WARN' }) },
      ...(metrics !== undefined && { metrics }),
    },
    // Signals are handled in one place, platform/shutdown.ts.
    shutdownSignals: [],
  });
}

/**
 * Starts the worker, and the loaders where they do not run yet.
 * @throws SojournError `SJ_CONFIG` where the SDK is not one that this works with
 */
export async function startSessionWorker(deps: SessionWorkerDeps): Promise<SessionWorker> {
  const { connection, namespace, log } = deps;
  const stopping = new AbortController();
  checkSdk(deps.sandbox);
  // Before there is a worker: one that is made holds its connection, also where this is refused.
  await startLoaders(deps);
  const Host = deps.sandbox === 'own' ? SessionHost : SdkSandboxHost;
  const worker = await Host.create({
    connection,
    namespace,
    taskQueue: TASK_QUEUE,
    workflowBundle: await workflowBundle(),
    activities: createActivities({ ...deps.activities, stopping: stopping.signal }),
    sinks: sessionSinks(deps.activities, questionVia(deps.client)),
    maxConcurrentWorkflowTaskExecutions: 100,
    maxConcurrentLocalActivityExecutions: 200,
    maxConcurrentActivityTaskExecutions: 100,
    // New sessions come from the shared queue, and most sessions are short.
    nonStickyToStickyPollRatio: 0.5,
    stickyQueueScheduleToStartTimeout: KEPT_TASK_WAITS_MS,
    shutdownGraceTime: '5s',
    shutdownForceTime: '8s',
  });
  worker.onAsked(deps.onAsked);
  const finished = worker.run();
  const loaders = keepLoaders(deps);
  log.info({ sandbox: deps.sandbox }, 'session worker started');
  return {
    finished,
    get load() {
      const { numInFlightWorkflowActivations, numInFlightLocalActivities } = worker.getStatus();
      return numInFlightWorkflowActivations + numInFlightLocalActivities;
    },
    untaken: worker.untaken,
    onTaken: (listener) => {
      worker.onTaken(listener);
    },
    async stop() {
      stopping.abort();
      loaders.stop();
      if (worker.getState() === 'RUNNING') worker.shutdown();
      const inTime = await within(STOP_MS_MAX, finished);
      log.info({ inTime }, 'session worker stopped');
    },
  };
}

function questionVia(client: Client): PutInQuestion {
  return ({ workflowId, runId }, writeNo) =>
    client.workflow.getHandle(workflowId, runId).signal(askLogSignal, { writeNo });
}
