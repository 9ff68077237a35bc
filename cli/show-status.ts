/** How the whole of it is, and waiting until everything is loaded. */
import { setTimeout as sleep } from 'node:timers/promises';
import pc from 'picocolors';
import type { Config } from '../platform/config.ts';
import { deadlineAfter } from '../platform/long-sleep.ts';
import { SojournError } from '../shared/errors.ts';
import { commandConfig } from './command-config.ts';
import { createObserver, type Observer, type Status, usedPart } from '../operations/observe.ts';
import { adviceOf } from '../operations/advice.ts';
import { createLooker, type Look } from '../health/look.ts';
import {
  asJson,
  formatCount,
  formatMs,
  print,
  printable,
  printJson,
  printTable,
} from './output.ts';
import { createProgress } from './progress.ts';

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
  const config = configOf(dataDir);
  const observer = createObserver(config);
  try {
    const loaded = wait === true ? await waitUntilLoaded(observer, config, timeout) : true;
    const look = await createLooker(observer, Date.now).look();
    const { status, oldestUnloadedMs, redelivered, isPaused } = look;
    const advice = adviceOf(look);
    if (asJson({ json })) {
      printJson({ ...status, oldestUnloadedMs, redelivered, paused: isPaused, advice });
    } else {
      printStatus(look, advice);
    }
    failWhere(status, loaded, timeout);
  } finally {
    await observer.close();
  }
}

function printStatus(look: Look, advice: readonly string[]): void {
  const { status, oldestUnloadedMs, redelivered } = look;
  const { servers, events, sessions, differences, deadLetters, fullDimensions = [] } = status;
  const figure = (count: number | null) =>
    count === null ? pc.yellow('unknown') : formatCount(count);
  printTable(
    ['SERVER', 'STATE', 'ANSWERS IN', 'ADDRESS'],
    Object.entries(servers).map(([name, server]) =>
      server.reachable
        ? [name, 'reachable', formatMs(server.latencyMs), server.url]
        : [name, 'AWAY', '', server.error],
    ),
  );
  print('');
  printTable(
    ['WHAT', 'NOW', ''],
    [
      ['events', figure(events.pending), 'pending: published, not taken yet'],
      ['', figure(events.unacknowledged), 'taken, not acknowledged yet'],
      ['', figure(redelivered), 'of those taken once more'],
      ['sessions', figure(sessions.open), 'open'],
      ['differences', figure(differences.pending), 'not loaded into ClickHouse yet'],
      ['oldest', ageOf(oldestUnloadedMs), 'age of the oldest event not in ClickHouse yet'],
      ['dead letters', figure(deadLetters), ''],
      ...lettersOf(status),
      ...quotasOf(status),
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
  print('');
  if (advice.length === 0) print(pc.green('All is well.'));
  for (const sentence of advice) print(`${pc.yellow('!')} ${printable(sentence)}`);
}

function ageOf(ms: number | null): string {
  if (ms === null) return 'unknown';
  return ms === 0 ? 'none' : formatMs(ms);
}

function lettersOf({ deadLettersByProject }: Status): string[][] {
  const projects = Object.entries(deadLettersByProject ?? {});
  const shown = projects
    .slice(0, PROJECTS_SHOWN_MAX)
    .map(([project, count]) => ['', formatCount(count), `of ${project}`]);
  const more = projects.length - shown.length;
  return more > 0 ? [...shown, ['', '', `and of ${more} projects more`]] : shown;
}

/** Those that have used the most of theirs first. */
function quotasOf({ quotas = [] }: Status): string[][] {
  const inOrder = quotas.toSorted((a, b) => usedPart(b) - usedPart(a));
  const shown = inOrder
    .slice(0, PROJECTS_SHOWN_MAX)
    .map((one, n) => [
      n === 0 ? 'quotas' : '',
      `${Math.floor(usedPart(one) * 100)} %`,
      `of ${one.project} today (UTC)${one.isUsedUp ? ': used up' : ''}`,
    ]);
  const more = quotas.length - shown.length;
  return more > 0 ? [...shown, ['', '', `and of ${more} projects more`]] : shown;
}

/** Of projects that have dead letters. */
const PROJECTS_SHOWN_MAX = 5;
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
    const isRunning = Object.values(servers).every((server) => server.reachable || server.fault);
    const hint = isRunning ? '' : '; is it running? `npx sojourn up` starts everything here';
    throw new SojournError('SJ_SERVER_UNREACHABLE', `not reachable: ${away.join(', ')}${hint}`);
  }
  if (!loaded) {
    throw new SojournError(
      'SJ_TIMEOUT',
      `not everything was in ClickHouse after ${timeoutMs / 1_000} s`,
    );
  }
}

/** @returns false on time-out */
async function waitUntilLoaded(
  observer: Observer,
  { SESSION_CHECKPOINT }: Config,
  timeoutMs: number,
): Promise<boolean> {
  const [{ createProbe }, { untilLoaded }] = await Promise.all([
    import('../operations/loading-probe.ts'),
    import('../operations/until-loaded.ts'),
  ]);
  const deadline = deadlineAfter(timeoutMs);
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
  const loaded = untilLoaded(createProbe(observer, SESSION_CHECKPOINT), {
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
