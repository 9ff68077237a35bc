/**
 * Counts the messages of one project as they lie in EVENTS, one after the other, their headers only, and remembers
 * which of them are over its quota. It has a consumer of its own, which changes nothing; where that fails, or falls
 * silent, it goes on after the last message that it has counted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { EVENTS_STREAM, PROJECTS_BUCKET, PROJECTS_STREAM } from '../shared/ids.ts';
import { parseSettings, type ProjectSettings } from '../shared/project.ts';
import {
  dayOf,
  hasQuota,
  isSpent,
  judge,
  NOTHING_SPENT,
  type QuotaChange,
  quotaAt,
  quotaChanges,
  type Spent,
  startOfDay,
} from '../shared/quota.ts';
import type { Logger } from './log.ts';
import { type Nats, SETTINGS_KEPT } from './nats.ts';
import {
  isCountOf,
  keepCount,
  type KeptCount,
  liesOrLay,
  loadCount,
  projectEvents,
} from './quota-kept.ts';
import { leave, readRange } from './stream-range.ts';

/** A message of EVENTS, by its place. */
export interface Place {
  readonly seq: number;
  /** When EVENTS took it, epoch milliseconds. */
  readonly receivedAt: number;
}

/** A message, or without a sequence what comes from this time on. */
export type AskedFor = Partial<Place> & Pick<Place, 'receivedAt'>;

/** `in`, or why it is over the quota. */
export type Verdict = 'in' | { readonly over: string };
export const IN = 'in';

export interface QuotaCount {
  /** Undefined as long as it is not known. */
  verdictOf(place: Place): Verdict | undefined;
  /** Calls back once it is known; `unknown` after a while. */
  whenKnown(place: Place, tell: (verdict: Verdict | 'unknown') => void): void;
  /** Whether nothing more would be taken at this time, as far as known. */
  isSpentAt(now: number): boolean;
  /** Nothing is to be judged any more: no quota is set, and none was lately. */
  readonly isIdle: boolean;
  /** Looks after those who wait; to be called now and then. */
  look(now: number): void;
  /** NATS was away, and may have been put back: nothing is judged before that is looked at. */
  doubt(): void;
  /** Keeps how far it is, up to a message that is acknowledged. @throws what the client throws */
  keep(floor: number): Promise<void>;
  stop(): void;
}

export interface QuotaCountDeps {
  readonly nats: Nats;
  readonly project: string;
  /** The same object until something changes. */
  readonly settings: () => ProjectSettings;
  /** The message that is to be judged; without one it counts from the beginning of this day on. */
  readonly first: AskedFor;
  readonly log: Logger;
  readonly now: () => number;
}

const AGAIN_MS = 1_000;
/** Where somebody waits for what does not come, and where nobody does: then the consumer is made anew. */
const SILENT_MS = { awaited: 3_000, idle: 60_000 } as const;
/** A message that is not judged by then is to come again: most likely it is in the stream no more. */
const WAIT_MS_MAX = 20_000;
/** States that wait for the floor; where there are more, every second one goes, and they are so much further apart from then on. */
const STATES_MAX = 64;
/** It fails for so long before that is said, and said again: a server that restarts is back by then. */
const WARN_AFTER_MS = 10_000;
const WARN_EVERY_MS = 30_000;
/** After a quota was taken away, so long messages may come again that had been judged by it. */
const IDLE_AFTER_MS = 10 * 60_000;

/** Messages of the project in a row that are over. */
interface Over {
  readonly from: number;
  to: number;
  readonly why: string;
}

type State = Pick<KeptCount, 'seq' | 'at' | 'spent'>;

interface Waiting {
  readonly place: Place;
  readonly since: number;
  readonly tell: (verdict: Verdict | 'unknown') => void;
}

export function countQuota({
  nats,
  project,
  settings,
  first,
  log,
  now,
}: QuotaCountDeps): QuotaCount {
  let changes: readonly QuotaChange[] = [];
  let changesOf: ProjectSettings | undefined;
  let stream: string | undefined;
  /** It judges what comes after this sequence, and not before this time. */
  let beganAfter = 0;
  let beganAt = 0;
  /** The last message that is counted, when EVENTS took it, and the latest time of all that are counted. */
  let reached = 0;
  let reachedAt = 0;
  let latestAt = 0;
  let spent: Spent = NOTHING_SPENT;
  let isBegun = false;
  /** Whether EVENTS is the one that was counted, as far as is known, and how often that was in doubt. */
  let isSure = false;
  let doubts = 0;
  let isOver = false;
  let over: Over[] = [];
  /** After every so many messages, and after the last one. */
  let states: State[] = [];
  let stateEvery = 1;
  let newest: State | undefined;
  let kept: KeptCount | undefined;
  /** What was kept of a later message than it began with: some that it counted may have gone from the stream since. */
  let passing: KeptCount | undefined;
  let sinceState = 0;
  let failingSince: number | undefined;
  let warnedAt = -Infinity;
  let movedAt = now();
  let stopped = false;
  let reading: ConsumerMessages | undefined;
  const waiting = new Map<number, Waiting>();
  let wanted: AskedFor = first;

  /** Read through a function: the compiler takes no note of what happens while something is awaited. */
  const isStopped = () => stopped;

  async function readChanges(): Promise<void> {
    const known = settings();
    changes = await readQuotas(nats, project);
    changesOf = known;
  }

  /** From what was kept, or from the beginning of the day of the oldest message that is asked about. */
  async function begin(): Promise<void> {
    const found = await loadCount(nats, project);
    const info = await nats.jsm.streams.info(EVENTS_STREAM);
    // Others may have asked since, about older ones.
    const asked = [wanted, ...Array.from(waiting.values(), ({ place }) => place)];
    const seq = Math.min(info.state.last_seq + 1, ...asked.flatMap((one) => one.seq ?? []));
    const receivedAt = Math.min(...asked.map((one) => one.receivedAt));
    const isOfStream = found !== undefined && (await isCountOf(nats, info, found));
    // What was kept on a day before says nothing of this one, and there may be much in between.
    const isStart = isOfStream && found.seq < seq && found.spent.day === dayOf(receivedAt);
    stream = info.created;
    beganAfter = isStart ? found.seq : 0;
    beganAt = isStart ? 0 : startOfDay(dayOf(receivedAt));
    reached = beganAfter;
    reachedAt = isStart ? found.at : 0;
    latestAt = reachedAt;
    spent = isStart ? found.spent : NOTHING_SPENT;
    passing = isOfStream && !isStart ? found : undefined;
    isOver = false;
    over = [];
    states = [];
    stateEvery = 1;
    newest = undefined;
    isBegun = true;
  }

  /** An older message is asked about than those that it has judged. */
  function beginAnew(place: Place): void {
    wanted = place;
    isBegun = false;
    reading?.stop();
  }

  function isBefore({ seq, receivedAt }: Place): boolean {
    return isBegun && (seq <= beganAfter || receivedAt < beganAt);
  }

  /** It is later than all that were counted, though its sequence is not: the stream was put back, and has grown past it. */
  function isGivenAgain({ seq, receivedAt }: Place): boolean {
    return seq <= reached && receivedAt > latestAt;
  }

  async function count(): Promise<void> {
    while (!isStopped()) {
      const mine = doubts;
      try {
        const info = await nats.jsm.streams.info(EVENTS_STREAM);
        // Made anew, or put back to an older copy, and grown since.
        const isSame = stream === info.created && info.state.last_seq >= reached;
        if (!isSame || (reachedAt > 0 && !(await liesOrLay(nats, reached, reachedAt))))
          isBegun = false;
        if (!isBegun) await begin();
        if (changesOf !== settings()) await readChanges();
        if (mine !== doubts) continue;
        isSure = true;
        for (const { place } of [...waiting.values()]) {
          if (verdictOf(place) !== undefined) tell(place.seq);
        }
        await read();
      } catch (error) {
        sayFailed(error);
        await sleep(AGAIN_MS, undefined, { ref: false });
      }
    }
  }

  /** Its messages wait meanwhile, and sooner or later those of others. */
  function sayFailed(err: unknown): void {
    const at = now();
    failingSince ??= at;
    const isLong = at - failingSince >= WARN_AFTER_MS && at - warnedAt >= WARN_EVERY_MS;
    if (isLong) warnedAt = at;
    log[isLong ? 'warn' : 'debug'](
      { err, project },
      'quota of a project is not counted, its messages are not taken: may this process make consumers of EVENTS and KV_PROJECTS, and read INGEST?',
    );
  }

  async function read(): Promise<void> {
    const consumer = await nats.js.consumers.get(EVENTS_STREAM, {
      filter_subjects: projectEvents(project),
      headers_only: true,
      ...(reached > 0
        ? { opt_start_seq: reached + 1 }
        : { opt_start_time: new Date(beganAt).toISOString() }),
    });
    try {
      reading = await consumer.consume({ max_messages: 1_000, expires: 10_000 });
      movedAt = now();
      failingSince = undefined;
      // It came to be in doubt while there was nothing yet to be stopped.
      if (!isSure || !isBegun) reading.stop();
      for await (const message of reading) {
        if (isStopped() || !isBegun || !isSure) return;
        if (changesOf !== settings()) await readChanges();
        take(message);
      }
    } finally {
      reading = undefined;
      await leave(consumer);
    }
  }

  function take(message: JsMsg): void {
    const { seq } = message;
    const at = Number(message.timestampNanos / 1_000_000n);
    if (seq <= reached) {
      if (isGivenAgain({ seq, receivedAt: at })) beginAnew({ seq, receivedAt: at });
      return;
    }
    movedAt = now();
    if (passing !== undefined && seq > passing.seq) {
      ({ spent } = passing);
      passing = undefined;
    }
    const judged = judge(spent, { at, bytes: sizeOf(message) }, changes);
    ({ spent } = judged);
    reached = seq;
    reachedAt = at;
    latestAt = Math.max(latestAt, at);
    const last = over.at(-1);
    if (judged.over === undefined) isOver = false;
    else if (isOver && last?.why === judged.over) last.to = seq;
    else {
      over.push({ from: seq, to: seq, why: judged.over });
      isOver = true;
    }
    remember({ seq, at, spent });
    tell(seq);
  }

  function remember(state: State): void {
    newest = state;
    sinceState += 1;
    if (sinceState < stateEvery) return;
    sinceState = 0;
    states.push(state);
    if (states.length <= STATES_MAX) return;
    states = states.filter((_, n) => n % 2 === 0);
    stateEvery *= 2;
  }

  function tell(seq: number): void {
    const one = waiting.get(seq);
    if (one === undefined) return;
    waiting.delete(seq);
    one.tell(judgedAs(seq));
  }

  function judgedAs(seq: number): Verdict {
    const found = over.findLast((part) => part.from <= seq && seq <= part.to);
    return found === undefined ? IN : { over: found.why };
  }

  function verdictOf(place: Place): Verdict | undefined {
    if (!isBegun || !isSure) return undefined;
    if (isBefore(place) || isGivenAgain(place)) {
      beginAnew(place);
      return undefined;
    }
    return place.seq <= reached ? judgedAs(place.seq) : undefined;
  }

  count().catch((error: unknown) => {
    log.error({ err: error, project }, 'quota of a project is not counted any more');
  });

  return {
    verdictOf,
    whenKnown(place, told) {
      const verdict = verdictOf(place);
      if (verdict !== undefined) {
        told(verdict);
        return;
      }
      // It may be asked about twice: out of turn, and by the consumer's way.
      const other = waiting.get(place.seq);
      const tellAll: Waiting['tell'] = (one) => {
        other?.tell(one);
        told(one);
      };
      waiting.set(place.seq, { place, since: other?.since ?? now(), tell: tellAll });
    },
    isSpentAt: (at) => isSpent(spent, at, changes),
    get isIdle() {
      if (waiting.size > 0 || hasQuota(settings())) return false;
      const { from } = changes.at(-1) ?? { from: 0 };
      return changesOf === settings() && Date.now() - from > IDLE_AFTER_MS;
    },
    look(at) {
      // Where nobody publishes, as while a collector refuses, no message says that it has changed.
      if (isBegun && changesOf !== settings()) {
        readChanges().catch((error: unknown) => {
          log.debug({ err: error, project }, 'settings of a project cannot be read for now');
        });
      }
      for (const [seq, { since, tell: told }] of waiting) {
        // It was taken out before it was counted.
        const isPassed = isBegun && isSure && seq <= reached;
        if (!isPassed && at - since < WAIT_MS_MAX) continue;
        waiting.delete(seq);
        told('unknown');
      }
      const silentMs = waiting.size > 0 ? SILENT_MS.awaited : SILENT_MS.idle;
      if (at - movedAt < silentMs) return;
      movedAt = at;
      reading?.stop();
    },
    doubt() {
      isSure = false;
      doubts += 1;
      reading?.stop();
    },
    async keep(floor) {
      if (!isSure || !isBegun) return;
      const isDone = newest !== undefined && newest.seq <= floor;
      const state = isDone ? newest : states.findLast(({ seq }) => seq <= floor);
      if (state === undefined || stream === undefined) return;
      const today = Date.now();
      const isUsedUp = isSpent(state.spent, today, changes);
      const count = { stream, ...state, quota: quotaAt(changes, today).quota, isUsedUp };
      if (kept !== undefined && isDeepStrictEqual(kept, count)) return;
      await keepCount(nats, project, count);
      kept = count;
      states = states.filter(({ seq }) => seq >= state.seq);
      if (states.length < STATES_MAX / 4) stateEvery = Math.max(1, stateEvery / 2);
    },
    stop() {
      stopped = true;
      reading?.stop();
      for (const { tell: told } of waiting.values()) told('unknown');
      waiting.clear();
    },
  };
}

/**
 * What the server says of a message that comes without its content; where headers cannot be read, nothing. A producer may
 * have sent a header of that name: the server's is the last.
 */
function sizeOf(message: JsMsg): number {
  try {
    const size = Number(message.headers?.last('Nats-Msg-Size') ?? 0);
    return Number.isSafeInteger(size) && size >= 0 ? size : 0;
  } catch {
    return 0;
  }
}

/** The quotas that a project had, as far as its bucket remembers. @throws what the client throws */
async function readQuotas(nats: Nats, project: string): Promise<readonly QuotaChange[]> {
  const { state } = await nats.jsm.streams.info(PROJECTS_STREAM);
  const settings: { setAt: number; quota: ProjectSettings | object }[] = [];
  const subject = `$KV.${PROJECTS_BUCKET}.${project}`;
  const range = { stream: PROJECTS_STREAM, subject, from: state.first_seq, to: state.last_seq };
  for await (const message of readRange(nats.js, range)) {
    const isRemoved = (message.headers?.get('KV-Operation') ?? '') !== '';
    settings.push({
      setAt: Number(message.timestampNanos / 1_000_000n),
      quota: isRemoved ? {} : parseSettings(message.string(), () => true).settings,
    });
  }
  return quotaChanges(settings, settings.length < SETTINGS_KEPT);
}
