/** Restates sessions: begins it and shows how far it is, or shows what it would add. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Temporal, withTemporal } from '../operations/connect.ts';
import { readableRows } from '../operations/exclude.ts';
import { forEachSession } from '../operations/for-each-session.ts';
import { lookBeforeRestating, restateView, startRestate } from '../operations/restate.ts';
import { connectClickHouse } from '../platform/clickhouse.ts';
import type { Config } from '../platform/config.ts';
import { createOldSessions } from '../platform/old-sessions.ts';
import { isServerAway } from '../platform/temporal.ts';
import { CATALOGUE_VERSION } from '../shared/catalogue.ts';
import { addAll, type Contributions } from '../shared/contributions.ts';
import { SojournError } from '../shared/errors.ts';
import {
  doneOf,
  type OldSession,
  type RestatePlan,
  type RestateView,
} from '../shared/restate-job.ts';
import { actNote, type NoteOptions } from './act-note.ts';
import { commandConfig } from './command-config.ts';
import { printTurned } from './exclude-session.ts';
import { onInterrupt } from './on-interrupt.ts';
import { asJson, formatCount, formatMany, print, printable, printJson, remark } from './output.ts';
import { createProgress } from './progress.ts';

export interface RestateOptions extends NoteOptions {
  readonly from: number;
  readonly project?: string | undefined;
  readonly rate: number;
  readonly dryRun?: true | undefined;
  readonly json?: true | undefined;
  readonly dataDir: string;
}

/**
 * Returns once all sessions are looked at.
 * @throws SojournError `SJ_NOT_EXACT` where some were refused; `SJ_TIMEOUT` where some failed, or somebody interrupts: workers go on
 */
export async function restateSessions(options: RestateOptions): Promise<void> {
  const plan = planOf(options);
  if (options.dryRun === true) {
    const config = commandConfig(options, ['TEMPORAL_ADDRESS', 'CLICKHOUSE_URL']);
    await withTemporal(config, (temporal) => showRestatement(config, temporal, plan, options));
    return;
  }
  const config = commandConfig(options, ['TEMPORAL_ADDRESS']);
  const view = await withTemporal(config, async (temporal) => {
    await startRestate(temporal.client, plan, actNote(options));
    return untilOver(temporal, plan);
  });
  report(view, options);
}

function planOf({ from, project, rate }: RestateOptions): RestatePlan {
  return {
    from,
    ...(project !== undefined && { project }),
    ...{ catalogue: CATALOGUE_VERSION, perSecond: rate },
  };
}

const LOOK_EVERY_MS = 500;

async function untilOver({ client }: Temporal, plan: RestatePlan): Promise<RestateView> {
  const stopping = new AbortController();
  const interrupt = onInterrupt(() => {
    stopping.abort();
  });
  let progress: ReturnType<typeof createProgress> | undefined;
  let seenAt: number | undefined;
  try {
    for (;;) {
      const seen = await lookUnlessAway(client, plan, seenAt);
      if (seen?.isOver === true) return seen;
      if (stopping.signal.aborted) throw new SojournError('SJ_TIMEOUT', GOES_ON);
      if (seen !== undefined) {
        seenAt = Date.now();
        if (seen.phase !== 'counting') progress ??= createProgress('restating', seen.known);
        const paused = seen.isPaused ? ', paused: send it `resume`' : '';
        const done = doneOf(seen);
        progress?.update(done, `${formatCount(done)} of ${formatCount(seen.known)}${paused}`);
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  } finally {
    progress?.stop();
    interrupt.stop();
  }
}

/** A worker that was stopped or killed has another one in this time, or is one that nobody runs. */
const AWAY_MS_MAX = 120_000;

/** @returns undefined where nobody answers who has answered a while ago */
async function lookUnlessAway(
  client: Temporal['client'],
  plan: RestatePlan,
  seenAt: number | undefined,
): Promise<Awaited<ReturnType<typeof restateView>> | undefined> {
  try {
    return await restateView(client, plan);
  } catch (error) {
    const isAway =
      (error instanceof SojournError && error.code === 'SJ_TIMEOUT') || isServerAway(error);
    if (isAway && seenAt !== undefined && Date.now() - seenAt < AWAY_MS_MAX) return undefined;
    throw error;
  }
}

const GOES_ON =
  'no longer watched; workers go on with it, and the same command shows how far it is. To stop it cancel the workflow `restate` in Temporal';

function report(view: RestateView, options: RestateOptions): void {
  const { phase, restated, already, gone, refused, failed, beyond, troubles } = view;
  if (asJson(options)) printJson(view);
  else {
    print(
      `${formatMany(restated, 'session')} restated, ${formatMany(already, 'was so', 'were so')} already`,
    );
    const stay = gone + beyond;
    if (stay > 0) remark(`${formatMany(stay, 'session stays', 'sessions stay')} ${STAY}`);
    for (const { project, sessionId, reason } of troubles) {
      remark(`${printable(`${project}/${sessionId}`)}: ${printable(reason)}`);
    }
  }
  failWhereNotAll({ refused, failed });
  if (phase !== 'done')
    throw new SojournError('SJ_TIMEOUT', 'somebody has stopped it; run it again');
}

const STAY =
  'under the older definitions: Temporal does not know them any more (LATE_WINDOW), or they came by an import, and `sojourn import FILE --replace` does it. The view `definitions_daily` shows which days have some';

function failWhereNotAll({
  refused,
  failed,
}: {
  readonly refused: number;
  readonly failed: number;
}) {
  if (failed > 0) {
    throw new SojournError(
      'SJ_TIMEOUT',
      `${formatMany(failed, 'session')} could not be restated now; run it again`,
    );
  }
  if (refused > 0) {
    throw new SojournError(
      'SJ_NOT_EXACT',
      `${formatMany(refused, 'session stays as it was', 'sessions stay as they were')}: what was counted cannot be told exactly`,
    );
  }
}

/** What would be added to the numbers, by all of them together. Changes nothing. */
async function showRestatement(
  config: Config & { readonly CLICKHOUSE_URL: string },
  { client }: Temporal,
  plan: RestatePlan,
  options: RestateOptions,
): Promise<void> {
  const { found, beyond } = await findAll(config, plan);
  const sums: Contributions = new Map();
  const progress = createProgress('looking at', found.length);
  const stopping = new AbortController();
  const interrupt = onInterrupt(() => {
    stopping.abort();
  });
  const named = found.map((session) => ({ ...session, id: session.sessionId }));
  const result = await forEachSession(
    named,
    async (session) => {
      const look = await lookBeforeRestating(client, session, plan.catalogue);
      if (look === undefined) return 'gone';
      addAll(sums, look.rows);
      return look.already ? 'already' : 'restated';
    },
    {
      signal: stopping.signal,
      onProgress: (done) => {
        progress.update(done, `${formatCount(done)} of ${formatCount(found.length)}`);
      },
    },
  ).finally(() => {
    progress.stop();
    interrupt.stop();
  });
  const { restated = 0, already = 0, gone = 0 } = result.outcomes;
  const { failed, left } = result;
  const rows = readableRows(sums);
  const { catalogue } = plan;
  if (asJson(options)) {
    printJson({ dryRun: true, catalogue, restated, already, gone, beyond, failed, left, rows });
  } else {
    printTurned(rows.filter(({ dimension }) => dimension === ''));
    print(
      `would restate ${formatMany(restated, 'session')}, ${formatMany(rows.length, 'row')} added; those of dimensions are in --json; nothing was changed`,
    );
    const stay = gone + beyond;
    if (stay > 0)
      remark(`${formatMany(stay, 'session would stay', 'sessions would stay')} ${STAY}`);
    for (const { id, error } of failed) remark(`${printable(id)}: ${printable(error)}`);
  }
  if (left > 0) {
    throw new SojournError('SJ_TIMEOUT', `stopped with ${formatMany(left, 'session')} left`);
  }
  if (failed.length > 0) {
    throw new SojournError(
      'SJ_NOT_EXACT',
      `${formatMany(failed.length, 'session')} would not be restated`,
    );
  }
}

const PAGE = 5_000;

async function findAll(
  config: Config & { readonly CLICKHOUSE_URL: string },
  plan: RestatePlan,
): Promise<{ readonly found: readonly OldSession[]; readonly beyond: number }> {
  const client = connectClickHouse(config, 'bi');
  try {
    const old = createOldSessions(client, config.LATE_WINDOW);
    const found: OldSession[] = [];
    for (;;) {
      const page = await old.findOld(plan, found.at(-1), PAGE);
      found.push(...page);
      if (page.length < PAGE) return { found, beyond: (await old.countOld(plan)).beyond };
    }
  } finally {
    await client.close();
  }
}
