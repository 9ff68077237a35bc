/**
 * Waits until everything that was published before is in ClickHouse, open sessions' latest events too:
 *
 *   events acknowledged ─▶ sessions have taken them ─▶ differences loaded
 *
 * An event is acknowledged when Temporal has accepted it; its session may run a moment later. A query
 * waits for the workflow task that is due, so a session that answers has taken what it was given.
 */
import type { Stored } from './recent-sessions.ts';
import type { SessionView } from '../shared/session-view.ts';

/** What has to be asked; each question may fail while a server is away. */
export interface Probe {
  /** Last sequence of the stream EVENTS, and when the oldest event came that is not acknowledged, where one is not. */
  lastEvent(): Promise<{ readonly seq: number; readonly waitsSince?: number }>;
  /** Whether all events up to a sequence are acknowledged. */
  isAcknowledged(seq: number): Promise<boolean>;
  /** Workflow ids of open sessions, newest first; not all of them where they are too many to ask. */
  openSessions(): Promise<{ readonly ids: readonly string[]; readonly all: boolean }>;
  /** Workflow ids of those with events among these, where open ones are too many to ask. */
  recentSessions(stored: Stored): Promise<readonly string[]>;
  /** The longest time between two checkpoints, as far as one knows: of these sessions, and as it is set. */
  checkpointMs(workflowIds: readonly string[]): Promise<number>;
  /** The session; undefined where it has gone. */
  session(workflowId: string): Promise<SessionView | undefined>;
  /** Last sequence of the stream ROLLUPS. */
  lastDifference(): Promise<number>;
  /** Whether all differences up to a sequence are in ClickHouse. */
  isLoaded(seq: number): Promise<boolean>;
}

export interface WaitOptions {
  readonly signal: AbortSignal;
  readonly sleep: (ms: number) => Promise<void>;
  readonly now: () => number;
  /** Told what is waited for, in a few words. */
  readonly onStep: (what: string) => void;
}

const POLL_MS = { first: 50, max: 500 } as const;
/** Temporal's list of open sessions is a moment behind. */
const LISTING_LAG_MS = 500;
const LISTINGS_MAX = 4;
const QUERIES_AT_ONCE = 16;
/** Where sessions are too many to ask: some are asked, and the log stands still for this long. */
const SAMPLE = 16;
const STANDSTILL_MS = 2_000;
/** The longest that a checkpoint is stretched to (CONTRACT, section 2), where none is set that is longer. */
const STRETCHED_MS = 60_000;
/** And what a delivery takes before. */
const DELIVERY_MS = 30_000;

/** Resolves when all is loaded; rejects only where the signal ends it. */
export async function untilLoaded(probe: Probe, options: WaitOptions): Promise<void> {
  const startedAt = options.now();
  const { seq: events, waitsSince = startedAt } = await patiently(() => probe.lastEvent(), options);
  options.onStep('events to be taken');
  await until(() => probe.isAcknowledged(events), options);
  options.onStep('sessions to write');
  const since = Math.min(startedAt, waitsSince);
  await untilSessionsWrote({ since, to: events }, probe, options);
  const differences = await patiently(() => probe.lastDifference(), options);
  options.onStep('differences to be loaded');
  await until(() => probe.isLoaded(differences), options);
}

/** @param events those before them are in their sessions since before a delivery */
async function untilSessionsWrote(
  events: Stored,
  probe: Probe,
  options: WaitOptions,
): Promise<void> {
  const asked = new Set<string>();
  let open: string[] = [];
  for (let listing = 1; listing <= LISTINGS_MAX; listing += 1) {
    await options.sleep(LISTING_LAG_MS);
    const { ids, all } = await patiently(() => probe.openSessions(), options);
    if (!all) {
      // That some answer tells that workers run at all.
      const sample = spread(ids, SAMPLE);
      await untilNotBusy(sample, probe, options);
      const checkpointMs = await patiently(() => probe.checkpointMs(sample), options);
      const since = events.since - Math.max(STRETCHED_MS, checkpointMs) - DELIVERY_MS;
      const recent = await patiently(() => probe.recentSessions({ ...events, since }), options);
      await untilNotBusy(recent, probe, options);
      await untilStandstill(probe, options);
      return;
    }
    const found = ids.filter((id) => !asked.has(id));
    for (const id of found) asked.add(id);
    open = await busyOf([...open, ...found], probe, options);
    if (found.length === 0) break;
  }
  await untilNotBusy(open, probe, options);
}

/** So many of them, from the newest to the oldest: what was set has changed, maybe. */
function spread(ids: readonly string[], most: number): readonly string[] {
  const step = Math.max(1, Math.ceil(ids.length / most));
  return ids.filter((_id, index) => index % step === 0);
}

async function untilNotBusy(
  ids: readonly string[],
  probe: Probe,
  options: WaitOptions,
): Promise<void> {
  let busy = ids;
  await until(async () => {
    busy = await busyOf(busy, probe, options);
    options.onStep(`${busy.length} sessions to write`);
    return busy.length === 0;
  }, options);
}

/** Those of the sessions that have something to write now, or could not be asked. */
async function busyOf(
  ids: readonly string[],
  probe: Probe,
  { now, signal }: WaitOptions,
): Promise<string[]> {
  const busy: string[] = [];
  const queue = [...ids];
  const ask = async () => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      if (signal.aborted) return;
      const view = await probe.session(id).catch((): 'unknown' => 'unknown');
      if (view === 'unknown' || (view !== undefined && isBusy(view, now()))) busy.push(id);
    }
  };
  await Promise.all(Array.from({ length: QUERIES_AT_ONCE }, ask));
  return busy;
}

/**
 * A session that owes a difference is waited for until its checkpoint has written it, and one that
 * settles after late events. Only where SESSION_CHECKPOINT is off the difference comes with the end,
 * which may be days away: that cannot be waited for.
 */
export function isBusy(view: SessionView, now: number): boolean {
  if (view.status === 'ended') return false;
  if (view.settling || (!view.written && view.writesAtEnd !== true)) return true;
  return view.nextStepAt === undefined || Date.parse(view.nextStepAt) < now;
}

async function untilStandstill(probe: Probe, options: WaitOptions): Promise<void> {
  let last = -1;
  let since = options.now();
  await until(async () => {
    const seq = await probe.lastDifference();
    if (seq !== last) since = options.now();
    last = seq;
    return options.now() - since >= STANDSTILL_MS;
  }, options);
}

async function until(condition: () => Promise<boolean>, options: WaitOptions): Promise<void> {
  let waitMs: number = POLL_MS.first;
  while (!(await patiently(condition, options))) {
    await options.sleep(waitMs);
    waitMs = Math.min(waitMs * 2, POLL_MS.max);
  }
}

/** Asks until there is an answer. */
async function patiently<T>(ask: () => Promise<T>, { signal, sleep }: WaitOptions): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted) throw error;
      await sleep(POLL_MS.max);
    }
  }
}
