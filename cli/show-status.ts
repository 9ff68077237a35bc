/** How the whole of it is, and waiting until everything is loaded. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../platform/config.ts';
import { isWorkflowGone } from '../platform/temporal.ts';
import { SojournError } from '../shared/errors.ts';
import { SESSION_WORKFLOW } from '../shared/ids.ts';
import { stateQuery } from '../workflows/messages.ts';
import { commandConfig } from './command-config.ts';
import { createObserver, type Observer, type Status } from '../operations/observe.ts';
import { printJson } from './output.ts';
import { createProgress } from './progress.ts';
import { type Probe, untilLoaded } from '../operations/until-loaded.ts';

export interface StatusOptions {
  /** Until everything published before is in ClickHouse. */
  readonly wait?: true | undefined;
  /** Milliseconds. */
  readonly timeout: number;
  readonly dataDir: string;
}

/** @throws SojournError where a server is away or the time was not enough; the status is printed then too */
export async function showStatus({ wait, timeout, dataDir }: StatusOptions): Promise<void> {
  const observer = createObserver(configOf(dataDir));
  try {
    const loaded = wait === true ? await waitUntilLoaded(observer, timeout) : true;
    const status = await observer.status();
    printJson(status);
    failWhere(status, loaded, timeout);
  } finally {
    await observer.close();
  }
}

const ADDRESSES = ['NATS_URL', 'TEMPORAL_ADDRESS', 'CLICKHOUSE_URL', 'REDIS_URL'] as const;

/** One server that is not configured is a finding; with none there is nothing to look at. */
function configOf(dataDir: string): Config {
  const config = commandConfig({ dataDir }, []);
  const nothing = ADDRESSES.every((name) => config[name] === undefined);
  return nothing ? commandConfig({ dataDir }, ADDRESSES) : config;
}

function failWhere({ servers }: Status, loaded: boolean, timeoutMs: number): void {
  const away = Object.entries(servers).flatMap(([name, server]) =>
    server.reachable ? [] : [`${name} (${server.error})`],
  );
  if (away.length > 0) {
    throw new SojournError(
      'SJ_SERVER_UNREACHABLE',
      `not reachable: ${away.join(', ')}; is it running? \`npx sojourn up\` starts everything here`,
    );
  }
  if (!loaded) {
    throw new SojournError(
      'SJ_TIMEOUT',
      `not everything was in ClickHouse after ${timeoutMs / 1_000} s`,
    );
  }
}

/** @returns false on time-out */
async function waitUntilLoaded(observer: Observer, timeoutMs: number): Promise<boolean> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const progress = createProgress('waiting for');
  let step = 'servers to answer';
  const ticker = setInterval(() => {
    progress.update(0, step);
  }, 200);
  const ended = new Promise<false>((resolve) => {
    deadline.addEventListener('abort', () => {
      resolve(false);
    });
  });
  const loaded = untilLoaded(createProbe(observer), {
    signal: deadline,
    sleep: (ms) => sleep(ms, undefined, { signal: deadline }),
    now: Date.now,
    onStep: (what) => {
      step = what;
    },
  }).then(
    () => true,
    (error: unknown) => {
      if (deadline.aborted) return false;
      throw error;
    },
  );
  try {
    return await Promise.race([loaded, ended]);
  } finally {
    clearInterval(ticker);
    progress.stop();
  }
}

/** More open sessions than this are not asked one by one. */
const SESSIONS_ASKED_MAX = 1_000;
const QUERY_PATIENCE_MS = 10_000;

function createProbe(observer: Observer): Probe {
  return {
    async lastEvent() {
      return (await observer.streams()).eventsLastSeq;
    },
    async isAcknowledged(seq) {
      const { consumer } = await observer.streams();
      if (consumer.ack_floor.stream_seq >= seq) return true;
      // The floor does not pass what expired or was purged before it was taken.
      return consumer.num_pending === 0 && consumer.num_ack_pending === 0;
    },
    async openSessions() {
      const { client } = await observer.temporal();
      const query = `WorkflowType = '${SESSION_WORKFLOW}' AND ExecutionStatus = 'Running'`;
      const ids: string[] = [];
      for await (const { workflowId } of client.workflow.list({ query, pageSize: 1_000 })) {
        if (ids.length >= SESSIONS_ASKED_MAX) return { ids, all: false };
        ids.push(workflowId);
      }
      return { ids, all: true };
    },
    async session(workflowId) {
      const { client, connection } = await observer.temporal();
      try {
        return await connection.withDeadline(Date.now() + QUERY_PATIENCE_MS, () =>
          client.workflow.getHandle(workflowId).query(stateQuery),
        );
      } catch (error) {
        if (isWorkflowGone(error)) return undefined;
        throw error;
      }
    },
    async lastDifference() {
      return (await observer.streams()).rollups.state.last_seq;
    },
    async isLoaded(seq) {
      const { rollups } = await observer.streams();
      return (await observer.loadedUpTo(rollups)) >= seq;
    },
  };
}
