/**
 * Everything around one session, as tests need it to break: a server that remembers what a chain of
 * runs was told, workers that crash, ingests that look and start at different times, and a rollup
 * log that refuses a second message on a subject. The session itself is the real one: the core of
 * `shared/actor.ts`, driven as `workflows/session.ts` drives it, and the real activity.
 *
 * What is durable, as in Temporal: what was told to a session (signals) at once; what it found out
 * (results of local activities) only when its workflow task is committed. A crash loses the latter,
 * and the task is done again with all the former.
 */
import { createEventRows } from '../../activities/event-rows.ts';
import { supersededBy } from '../../activities/reset-runs.ts';
import type { VisitorStore } from '../../activities/recognize-visitor.ts';
import { createVisitors } from '../../activities/visitors.ts';
import { writeDifference } from '../../activities/write-difference.ts';
import type { Act, ActNote } from '../../shared/acts.ts';
import {
  type Actor,
  type RecognizedUser,
  continuation,
  openActor,
  receive,
  type SessionInput,
  type SessionSettings,
  type SessionSnapshot,
  snapshotOf,
  snapshotWith,
  noteAct,
  takeQuestion,
} from '../../shared/actor.ts';
import { mayTravel, nextStep, openWrite, type Step, writesFirst } from '../../shared/next-step.ts';
import {
  confirmWrite,
  planOpening,
  rebase,
  isSameWrite,
  takeOpening,
  takeRide,
  takeUser,
  visitOf,
  writeRequest,
  type WriteResult,
} from '../../shared/write.ts';
import { CATALOGUE_VERSION } from '../../shared/catalogue.ts';
import {
  type EventRowsPage,
  eventRowsRequest,
  type Refusal,
  takePage,
  turn,
  want,
} from '../../shared/exclusion.ts';
import { type AnyBatch, eventsOf, groupEvents } from '../../shared/batch.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import {
  decodeRollup,
  type EndReason,
  entryOf,
  type Rollup,
  type SessionStatus,
} from '../../shared/rollup.ts';
import {
  type Memory,
  nextSubject,
  rememberedSnapshot,
  takeRecord,
  toldActor,
} from '../../shared/remembered.ts';
import { wantRestated } from '../../shared/restating.ts';
import { throughJson } from './builders.ts';
import { visitorStoreOn } from './visitor-store.ts';

interface Shows {
  readonly status: SessionStatus;
  readonly endReason?: EndReason;
}

type Entry =
  | { readonly kind: 'receive'; readonly batch: AnyBatch; readonly at: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'question'; readonly writeNo: number }
  | { readonly kind: 'ride'; readonly shows: Shows; readonly at: number }
  | { readonly kind: 'confirm'; readonly result: WriteResult; readonly at: number }
  | { readonly kind: 'user'; readonly user: RecognizedUser }
  | {
      readonly kind: 'want';
      readonly isExcluded: boolean;
      readonly note: ActNote;
      readonly at: number;
    }
  | { readonly kind: 'restate'; readonly catalogue: number }
  | { readonly kind: 'turn'; readonly runId: string }
  | { readonly kind: 'page'; readonly page: EventRowsPage | Refusal }
  | { readonly kind: 'rebase'; readonly snapshot: SessionSnapshot; readonly result: WriteResult };

/** A chain of runs, as the server keeps it. */
interface Chain {
  readonly id: string;
  /** Of the chain's first run: its id; of one that was made by a reset, another one. */
  readonly runId: string;
  /** It was made by a reset, or went back by one. */
  wasReset: boolean;
  input: SessionInput;
  openedAt: number;
  /** Of the chain's last run. */
  history: { readonly entry: Entry; durable: boolean }[];
  /** A workflow task of the last run has been done. */
  isTaskDone: boolean;
  state: 'running' | 'completed' | 'terminated';
  result: SessionSnapshot | undefined;
  endReason: EndReason | undefined;
}

export type Crash = 'before publishing' | 'after publishing';

export interface SessionWorld {
  readonly now: number;
  readonly running: boolean;
  /** Records of the log, by subject. */
  readonly log: ReadonlyMap<string, string>;
  readonly actor: Actor | undefined;
  /** What operators have asked of it, as the newest chain left it. */
  readonly acts: readonly Act[];
  /** Why the newest chain ended. */
  readonly endReason: EndReason | undefined;
  advance(ms: number): void;
  /**
   * Ingest brings events: a signal where the session runs, otherwise it is opened or reopened.
   * @param chainsBehind how many chains have run since this ingest looked for the latest snapshot
   */
  deliver(events: readonly VisitorEvent[], chainsBehind?: number): void;
  requestEnd(): void;
  /** An operator excludes the session, or includes it; one that has closed is opened again for that. */
  want(isExcluded: boolean, note?: ActNote): void;
  /** An operator has the session go by a version of the catalogue; one that has closed is opened again for that. */
  restate(catalogue: number): void;
  /** One step of the workflow's loop. @returns what it was; undefined where nothing runs */
  step(options?: { crash?: Crash; meanwhile?: readonly VisitorEvent[] }): Promise<Step | undefined>;
  /** The workflow task ends: everything so far is durable. */
  commit(): void;
  crash(): void;
  terminate(): void;
  /** The visitor store does not answer from now on, until {@link storeBack}, or until the session is to settle. */
  storeAway(): void;
  storeBack(): void;
  /**
   * An operator resets the last run of a chain to a point in it. No ingest is under way meanwhile.
   */
  reset(which: number, at: number): void;
  /** Continues as new where the workflow may; otherwise it proves itself first, by writing. */
  continueAsNew(): Promise<void>;
  /**
   * All is loaded, and an hour later the log is purged: of a session that ended by itself nothing is
   * left. No ingest is so slow that it looked before that and starts after it.
   */
  purge(): void;
  /** Lets time go on until the session has ended. */
  settle(): Promise<void>;
}

/**
 * Sessions as they are, whose writes go along with their workflow tasks; as they were before that; or those whose first
 * chain began before they had a bound in bytes.
 */
export type Age = 'riding' | 'bounded' | 'upgraded';

/**
 * @param opens whether ingest works out the first write of a new session, as it does where it can
 * @param readsHistory whether a terminated run cannot be asked, so that its history is read
 * @param begins the version of the catalogue that a new session goes by; whoever reopens one knows the newest
 */
export function createSessionWorld(
  settings: SessionSettings,
  startAt: number,
  opens = true,
  age: Age = 'bounded',
  readsHistory = false,
  begins = CATALOGUE_VERSION,
): SessionWorld {
  const log = new Map<string, string>();
  const standing = new Map<string, string>();
  const visitors = new Map<string, string>();
  const chains: Chain[] = [];
  let now = startAt;
  let oldestSeen = 0;
  /** What each run was told, in the order of their starts. */
  const runs: { readonly id: string; readonly batches: AnyBatch[] }[] = [];
  const lastRun = () => runs.at(-1)?.id ?? '';
  const began = (batches: readonly AnyBatch[]) => {
    runs.push({ id: `run ${runs.length + 1} of all`, batches: [...batches] });
  };
  const eventRows = createEventRows({
    toldUpTo: (_workflowId, _identity, { runId, batches }) => {
      const at = runs.findIndex(({ id }) => id === runId);
      const told = runs.slice(0, at).flatMap((run) => run.batches);
      const last = runs[at]?.batches.slice(0, batches) ?? [];
      return Promise.resolve({ batches: throughJson([...told, ...last]), isFromTheFirst: true });
    },
  });
  let actor: Actor | undefined;

  const rollupLog = {
    append: (subject: string, data: string) => {
      const free = !standing.has(subject);
      if (free) {
        standing.set(subject, data);
        // A purged subject is free again; what was loaded from it stays loaded.
        log.set(log.has(subject) ? `${subject} (${log.size})` : subject, data);
      }
      return Promise.resolve(free);
    },
    read: (subject: string) => Promise.resolve(standing.get(subject)),
  };
  let isStoreAway = false;
  const redis = visitorStoreOn(visitors);
  const isAway = () => Promise.reject(new Error('away'));
  const visitorStore: VisitorStore = {
    claim: (...given) => (isStoreAway ? isAway() : redis.claim(...given)),
    ownerOf: (...given) => (isStoreAway ? isAway() : redis.ownerOf(...given)),
    replace: (...given) => (isStoreAway ? isAway() : redis.replace(...given)),
  };
  // It is not left alone for long after a failure: that would only hide what is tested.
  const askVisitors = () => createVisitors(visitorStore, { now: () => 0, onAway: () => undefined });

  const newest = () => chains.at(-1);
  const runningChain = () => (newest()?.state === 'running' ? newest() : undefined);

  /** The start of a run's first task, which hands its record over before it ends, each time it is done. */
  function open(chain: Chain): Actor {
    const input = throughJson(chain.input);
    const opened = openActor(input, chain.id, chain.openedAt);
    if (input.opening === undefined) return opened;
    const rollup = takeOpening(opened, input.opening, chain.openedAt);
    const { subject, data } = entryOf(rollup);
    if (superseding(chain, rollup) === undefined) rollupLog.append(subject, data).catch(never);
    return opened;
  }

  /** What ingest hands over with the start of a new session. */
  function withOpening(input: SessionInput): SessionInput {
    const planned = openActor(throughJson(input), '', now);
    const userId = planned.state.attributes.get('userId')?.value;
    const user = userId === undefined || isStoreAway ? undefined : { userId, isNew: true };
    if (user !== undefined) {
      const { project, sessionId } = input;
      const visit = { project, sessionId, userId: user.userId, at: now };
      askVisitors().recognize(visit).catch(never);
    }
    const opening = planOpening(planned, user, now);
    return opening === undefined ? input : { ...input, opening };
  }

  function replay(chain: Chain, entries: readonly Entry[]): Actor {
    const replayed = open(chain);
    for (const entry of entries) apply(replayed, entry);
    return replayed;
  }

  function apply(to: Actor, entry: Entry): void {
    switch (entry.kind) {
      case 'receive':
        receive(to, entry.batch, entry.at);
        return;
      case 'end':
        to.endRequested = true;
        return;
      case 'question':
        takeQuestion(to, entry);
        return;
      case 'ride':
        if (takeRide(to, entry.shows, entry.at, 1) === undefined) throw new Error('no ride now');
        return;
      case 'confirm':
        if (!confirmWrite(to, entry.result, entry.at)) throw new Error('replay took another way');
        return;
      case 'user':
        takeUser(to, entry.user);
        return;
      case 'want':
        want(to, entry.isExcluded);
        noteAct(to, entry.isExcluded ? 'exclude' : 'include', entry.note, entry.at);
        return;
      case 'restate':
        wantRestated(to, entry);
        return;
      case 'turn':
        turn(to, entry.runId);
        return;
      case 'page':
        takePage(to, throughJson(entry.page));
        return;
      case 'rebase':
        rebase(to, throughJson(entry.snapshot), entry.result);
    }
  }

  function durable(chain: Chain): Entry[] {
    return chain.history.filter((item) => item.durable).map((item) => item.entry);
  }

  function memories(chain: Chain): Memory[] {
    const told = durable(chain).flatMap((entry): Memory[] => {
      switch (entry.kind) {
        case 'receive':
          return [{ ...entry, kind: 'events' }];
        case 'end':
        case 'question':
        case 'ride':
        case 'turn':
        case 'page':
          return [];
        case 'want':
          return [{ ...entry, kind: 'wanted' }];
        case 'restate':
          return [{ kind: 'restated', request: { catalogue: entry.catalogue } }];
        case 'confirm':
          return [{ ...entry, kind: 'written' }];
        case 'user':
          return [{ kind: 'recognized', user: entry.user }];
        case 'rebase':
          return [
            { kind: 'written', result: entry.result, at: now },
            { kind: 'loaded', snapshot: throughJson(entry.snapshot) },
          ];
      }
    });
    return chain.isTaskDone ? [{ kind: 'task done', at: chain.openedAt }, ...told] : told;
  }

  /** As `platform/temporal.ts` finds it. */
  function snapshotOfChain(runId: string): SessionSnapshot {
    const chain = chains.find((c) => c.runId === runId);
    if (chain === undefined || chain.state === 'running') throw new Error(`${runId} has none`);
    const snapshot = throughJson(chain.result ?? asItWas(chain));
    if (!chain.wasReset) return snapshot;
    const newest = newestResult();
    if (newest?.result === undefined || newest.result.writeNo <= snapshot.writeNo) return snapshot;
    return throughJson(snapshotWith(newest.result, eventsTold(chain)));
  }

  function asItWas(chain: Chain): SessionSnapshot {
    if (readsHistory && age === 'riding') {
      const told = toldActor(throughJson(chain.input), chain.id, memories(chain));
      const read = () => {
        const text = standing.get(nextSubject(told));
        return text === undefined ? undefined : decodeRollup(text);
      };
      while (takeRecord(told, read()));
      return snapshotOf(told, told.reopenedAfter);
    }
    if (readsHistory)
      return rememberedSnapshot(throughJson(chain.input), chain.id, memories(chain));
    const last = replay(chain, durable(chain));
    return snapshotOf(last, last.reopenedAfter);
  }

  function newestResult(): Chain | undefined {
    return chains.reduce<Chain | undefined>((best, chain) => {
      const { result } = chain;
      return result !== undefined && result.writeNo > (best?.result?.writeNo ?? -1) ? chain : best;
    }, undefined);
  }

  function eventsTold({ input, history }: Chain): VisitorEvent[] {
    const told = history.map(({ entry }) => (entry.kind === 'receive' ? entry.batch : undefined));
    return [
      ...(input.snapshot?.unproven ?? []),
      ...[input.batch, ...told].flatMap((batch) => (batch === undefined ? [] : eventsOf(batch))),
    ];
  }

  /** As `activities/reset-runs.ts` finds it. */
  function superseding(chain: Chain, rollup: Rollup): Chain | undefined {
    if (chain.runId === chain.id) return undefined;
    const newest = newestResult();
    return (newest?.result?.writeNo ?? 0) >= rollup.writeNo ? newest : undefined;
  }

  /** The snapshot to start again from. */
  function foundBy(chain: Chain, { from, by }: WriteResult): SessionSnapshot {
    const snapshot = snapshotOfChain(from ?? by);
    if (chain.runId === chain.id) return snapshot;
    return { ...snapshot, unproven: [...(snapshot.unproven ?? []), ...eventsTold(chain)] };
  }

  function start(batch: AnyBatch, previous: Chain | undefined): void {
    const isBounded = age !== 'upgraded' || chains.length > 0;
    const catalogue = previous === undefined ? begins : CATALOGUE_VERSION;
    const input: SessionInput = {
      ...(isBounded && { version: 2 }),
      ...(age === 'riding' ? { rides: { catalogue } } : { catalogue }),
      project: 'shop',
      sessionId: 's-1',
      settings,
      batch,
      ...(previous && { snapshot: snapshotOfChain(previous.runId) }),
    };
    const chain: Chain = {
      id: `run-${chains.length + 1}`,
      runId: `run-${chains.length + 1}`,
      wasReset: false,
      input: throughJson(opens && previous === undefined ? withOpening(input) : input),
      openedAt: now,
      history: [],
      isTaskDone: false,
      state: 'running',
      result: undefined,
      endReason: undefined,
    };
    chains.push(chain);
    began([batch]);
    actor = open(chain);
  }

  const world = {
    get now() {
      return now;
    },
    get running() {
      return runningChain() !== undefined;
    },
    log,
    get actor() {
      return actor;
    },
    get acts() {
      return newest()?.result?.acts ?? [];
    },

    get endReason() {
      return newest()?.endReason;
    },

    advance(ms: number) {
      now += ms;
    },

    deliver(events: readonly VisitorEvent[], chainsBehind = 0) {
      if (events.length === 0) return;
      const batch = { groups: groupEvents(events), ackFloor: 0 };
      const chain = runningChain();
      if (chain === undefined || actor === undefined) {
        start(batch, chains[Math.max(oldestSeen, chains.length - 1 - chainsBehind)]);
        return;
      }
      receive(actor, batch, now);
      runs.at(-1)?.batches.push(batch);
      chain.history.push({ entry: { kind: 'receive', batch, at: now }, durable: true });
    },

    requestEnd() {
      const chain = runningChain();
      if (chain === undefined || actor === undefined) return;
      actor.endRequested = true;
      chain.history.push({ entry: { kind: 'end' }, durable: true });
    },

    want(isExcluded: boolean, note: ActNote = {}) {
      if (chains.length === 0) return;
      if (runningChain() === undefined) start({ events: [], ackFloor: 0 }, newest());
      if (actor === undefined) return;
      const entry: Entry = { kind: 'want', isExcluded, note, at: now };
      apply(actor, entry);
      newest()?.history.push({ entry, durable: true });
    },

    restate(catalogue: number) {
      if (chains.length === 0) return;
      if (runningChain() === undefined) start({ events: [], ackFloor: 0 }, newest());
      if (actor === undefined) return;
      const entry: Entry = { kind: 'restate', catalogue };
      apply(actor, entry);
      newest()?.history.push({ entry, durable: true });
    },

    async step({ crash, meanwhile = [] }: Parameters<SessionWorld['step']>[0] = {}) {
      const chain = runningChain();
      if (chain === undefined || actor === undefined) return undefined;
      const step = nextStep(actor, now);
      if (step.do === 'write') {
        await write(chain, actor, step, { crash, meanwhile });
        return step;
      }
      if (step.do === 'turn') {
        world.deliver(meanwhile);
        const entry: Entry = { kind: 'turn', runId: lastRun() };
        apply(actor, entry);
        chain.history.push({ entry, durable: false });
        return step;
      }
      if (step.do === 'read') {
        await readRows(chain, actor, crash);
        world.deliver(meanwhile);
        return step;
      }
      world.deliver(meanwhile);
      if (step.do === 'recognize') {
        await findOut(chain, actor, crash);
        return step;
      }
      if (step.do === 'wait' || nextStep(actor, now).do !== 'end') return step;
      if (crash !== undefined) {
        world.crash();
        return step;
      }
      chain.result = throughJson(snapshotOf(actor, step.reason));
      chain.endReason = step.reason;
      chain.state = 'completed';
      actor = undefined;
      return step;
    },

    commit() {
      const chain = runningChain();
      if (chain === undefined) return;
      chain.isTaskDone = true;
      for (const item of chain.history) item.durable = true;
    },

    crash() {
      const chain = runningChain();
      if (chain === undefined) return;
      chain.history = chain.history.filter((item) => item.durable);
      actor = replay(chain, durable(chain));
    },

    terminate() {
      const chain = runningChain();
      if (chain === undefined) return;
      chain.state = 'terminated';
      actor = undefined;
    },

    reset(which: number, at: number) {
      // Of runs before, one is reset where none is open: the open one would be terminated.
      const base = runningChain() ?? chains[which % Math.max(1, chains.length)];
      if (base === undefined) return;
      world.terminate();
      const done = base.history.filter((item) => item.durable);
      const cut = at % (done.length + 1);
      // What it was told after that is told it again, at once.
      const told = done
        .slice(cut)
        .filter(({ entry }) => ['receive', 'end', 'want', 'restate'].includes(entry.kind));
      const chain: Chain = {
        ...base,
        runId: `${base.id}-reset-${chains.length + 1}`,
        wasReset: true,
        history: [...done.slice(0, cut), ...told],
        state: 'running',
        result: undefined,
        endReason: undefined,
      };
      base.wasReset = true;
      oldestSeen = chains.length;
      chains.push(chain);
      began([
        chain.input.batch,
        ...chain.history.flatMap(({ entry }) => (entry.kind === 'receive' ? [entry.batch] : [])),
      ]);
      actor = replay(chain, durable(chain));
    },

    async continueAsNew() {
      const chain = runningChain();
      if (chain === undefined || actor === undefined) return;
      if (nextStep(actor, now).do !== 'wait') return;
      if (writesFirst(actor)) {
        await write(chain, actor, { do: 'write', ...openWrite(actor) }, {});
        return;
      }
      if (!mayTravel(actor)) return;
      chain.input = throughJson(continuation(actor, now));
      chain.openedAt = now;
      chain.history = [];
      chain.isTaskDone = false;
      began([chain.input.batch]);
      actor = open(chain);
    },

    purge() {
      if (newest()?.state !== 'completed') return;
      standing.clear();
      oldestSeen = chains.length - 1;
    },

    storeAway() {
      isStoreAway = true;
    },

    storeBack() {
      isStoreAway = false;
    },

    async settle() {
      isStoreAway = false;
      for (let steps = 0; world.running; steps += 1) {
        if (steps > 100) throw new Error('the session does not come to an end');
        const step = await world.step();
        world.commit();
        if (step?.do === 'wait') now = Math.max(now, step.until);
      }
    },
  };

  async function write(
    chain: Chain,
    writer: Actor,
    step: Extract<Step, { do: 'write' }>,
    { crash, meanwhile = [] }: { crash?: Crash | undefined; meanwhile?: readonly VisitorEvent[] },
  ): Promise<void> {
    if (await ride(chain, writer, step, { crash, meanwhile })) return;
    const request = throughJson(writeRequest(writer, step, now));
    world.deliver(meanwhile);
    if (crash === 'before publishing') {
      world.crash();
      return;
    }
    const result = throughJson(
      await writeDifference(askVisitors(), rollupLog, request, (rollup) => {
        const newer = superseding(chain, rollup);
        const { runId = '', result: snapshot } = newer ?? {};
        return Promise.resolve(snapshot && supersededBy({ runId, snapshot }));
      }),
    );
    if (crash === 'after publishing') {
      world.crash();
      return;
    }
    now += 3;
    const entry: Entry = confirmWrite(writer, result, now)
      ? { kind: 'confirm', result, at: now }
      : { kind: 'rebase', snapshot: foundBy(chain, result), result };
    if (entry.kind === 'rebase') apply(writer, entry);
    chain.history.push({ entry, durable: false });
  }

  /** A write that goes along with the workflow task. @returns false where it needs an activity */
  async function ride(
    chain: Chain,
    writer: Actor,
    { status, endReason }: Extract<Step, { do: 'write' }>,
    { crash, meanwhile = [] }: { crash?: Crash | undefined; meanwhile?: readonly VisitorEvent[] },
  ): Promise<boolean> {
    const shows = { status, ...(endReason && { endReason }) };
    const rollup = takeRide(writer, shows, now, 1);
    if (rollup === undefined) return false;
    const handedOver = crash !== 'before publishing' && (await isTaken(chain, rollup));
    const isDone = crash === undefined && handedOver;
    if (isDone) chain.history.push({ entry: { kind: 'ride', shows, at: now }, durable: false });
    world.deliver(meanwhile);
    if (isDone) return true;
    if (crash === undefined) {
      const { writeNo } = rollup;
      chain.history.push({ entry: { kind: 'question', writeNo }, durable: true });
    }
    // The task is done again.
    world.crash();
    return true;
  }

  /** As `workers/host/session-host.ts` hands it over. */
  async function isTaken(chain: Chain, rollup: Rollup): Promise<boolean> {
    if (superseding(chain, rollup) !== undefined) return false;
    const { subject, data } = entryOf(rollup);
    if (await rollupLog.append(subject, data)) return true;
    const there = await rollupLog.read(subject);
    return there !== undefined && isSameWrite(decodeRollup(there), rollup);
  }

  /** As the patient activity does: it goes on trying where the store is away, here with the next step. */
  async function findOut(chain: Chain, asker: Actor, crash: Crash | undefined): Promise<void> {
    if (isStoreAway) return;
    const user = throughJson(await askVisitors().recognize(visitOf(asker, now)));
    if (crash !== undefined) {
      world.crash();
      return;
    }
    const entry: Entry = { kind: 'user', user };
    apply(asker, entry);
    // The result of an ordinary activity is in the history at once.
    chain.history.push({ entry, durable: true });
  }

  /** As the patient activity does; its result is in the history at once. */
  async function readRows(chain: Chain, asker: Actor, crash: Crash | undefined): Promise<void> {
    // The task that asks for it has ended.
    world.commit();
    const page = throughJson(await eventRows.read(throughJson(eventRowsRequest(asker)), LAST_TRY));
    if (crash !== undefined) {
      world.crash();
      return;
    }
    const entry: Entry = { kind: 'page', page };
    apply(asker, entry);
    chain.history.push({ entry, durable: true });
  }

  return world;
}

/** Nothing comes of another one here. */
const LAST_TRY = 99;

/** A log and a store that are maps do not fail. */
function never(error: unknown): never {
  throw error;
}

/** The newest of a session's records: the one whose row the table `sessions` shows. */
export function newestRecord(log: ReadonlyMap<string, string>): Rollup {
  const records = [...log.values()].map((text) => JSON.parse(text) as Rollup);
  const newest = records.reduce<Rollup | undefined>(
    (best, record) => (best === undefined || record.writeNo > best.writeNo ? record : best),
    undefined,
  );
  if (newest === undefined) throw new Error('the log is empty');
  return newest;
}
