/** How the whole of it is, and waiting until everything is loaded. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../platform/config.ts';
import { SojournError } from '../shared/errors.ts';
import { commandConfig } from './command-config.ts';
import { createObserver, type Observer, type Status } from '../operations/observe.ts';
import { asJson, formatCount, printJson, printTable } from './output.ts';
import { createProgress } from './progress.ts';
import { createProbe } from '../operations/loading-probe.ts';
import { untilLoaded } from '../operations/until-loaded.ts';

export interface StatusOptions {
  /** Until everything published before is in ClickHouse. */
  readonly wait?: true | undefined;
  /** Milliseconds. */
  readonly timeout: number;
  readonly json?: true | undefined;
  readonly dataDir: string;
}

/** @throws SojournError where a server is away or the time was not enough; the status is printed then too */
export async function showStatus({ wait, timeout, json, dataDir }: StatusOptions): Promise<void> {
  const observer = createObserver(configOf(dataDir));
  try {
    const loaded = wait === true ? await waitUntilLoaded(observer, timeout) : true;
    const status = await observer.status();
    if (asJson({ json })) printJson(status);
    else printStatus(status);
    failWhere(status, loaded, timeout);
  } finally {
    await observer.close();
  }
}

function printStatus(status: Status): void {
  const { servers, events, sessions, differences, deadLetters, fullDimensions = [] } = status;
  const figure = (count: number | null) => (count === null ? 'unknown' : formatCount(count));
  printTable(
    ['WHAT', 'STATE', ''],
    [
      ...Object.entries(servers).map(([name, server]) => [
        name,
        server.reachable ? 'reachable' : 'away',
        server.reachable ? server.url : server.error,
      ]),
      ['events', figure(events.pending), 'pending'],
      ['', figure(events.unacknowledged), 'taken, not acknowledged yet'],
      ['sessions', figure(sessions.open), 'open'],
      ['differences', figure(differences.pending), 'not loaded yet'],
      ['dead letters', figure(deadLetters), 'see `npx sojourn deadletters list`'],
      ...fullDimensions
        .slice(0, FULL_SHOWN_MAX)
        .map(({ project, day, dimension, valuesMax }, n) => [
          n === 0 ? 'full' : '',
          `${dimension} of ${project}`,
          `more than ${formatCount(valuesMax)} values on ${day}: the rest is in (other)`,
        ]),
      ...(fullDimensions.length > FULL_SHOWN_MAX
        ? [['', `${fullDimensions.length - FULL_SHOWN_MAX} more`, 'see sojourn.full_dimensions']]
        : []),
    ],
  );
}

/** Of dimensions that had too many values in the last days. */
const FULL_SHOWN_MAX = 5;

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
