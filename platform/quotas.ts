/**
 * The quotas of all projects, for a process that takes messages, or refuses them. Where no project has one nothing is
 * asked and nothing is read; else each that has one, and messages, is counted by itself.
 */
import type { ProjectSettings } from '../shared/project.ts';
import { each } from '../shared/each.ts';
import { dayOf, hasQuota, startOfDay } from '../shared/quota.ts';
import type { Logger } from './log.ts';
import { linkChanges } from './nats-link.ts';
import type { Nats } from './nats.ts';
import {
  type AskedFor,
  countQuota,
  IN,
  type Place,
  type QuotaCount,
  type Verdict,
} from './quota-count.ts';
import { firstToCount } from './quota-kept.ts';

export type { Verdict } from './quota-count.ts';

export interface Quotas {
  /** Whether there is anything to judge by at all. */
  readonly areSet: boolean;
  /** Whether a message of EVENTS is within its project's quota; undefined as long as that is not known. */
  verdictOf(project: string, place: Place): Verdict | undefined;
  /** Resolves once it is known; `unknown` where that takes too long: then it should come again. */
  whenKnown(project: string, place: Place): Promise<Verdict | 'unknown'>;
  /** Until when nothing more is taken of a project, epoch milliseconds; undefined where it is, as far as is known. */
  spentUntil(project: string): number | undefined;
  /** Keeps how far it has counted, no further than what is acknowledged. Never rejects. */
  keep(floor: number): Promise<void>;
  /**
   * The first message that whoever begins to count has to find in EVENTS; Infinity where that is none: what lies
   * before it may go. @param floor up to there everything is acknowledged
   * @throws what the client throws
   */
  firstToCount(floor: number): Promise<number>;
  /** Sequences begin anew. */
  reset(): void;
  stop(): void;
}

export interface QuotasDeps {
  readonly nats: Nats;
  /** Of all projects for which something is set; the same map until something changes. */
  readonly all: () => ReadonlyMap<string, ProjectSettings>;
  readonly settingsOf: (project: string) => ProjectSettings;
  readonly log: Logger;
  /** Of a clock that only goes forward. */
  readonly steadyNow: () => number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const LOOK_EVERY_MS = 1_000;
const ASKED_AT_ONCE = 16;

/** Where nobody has one. */
export const NO_QUOTAS: Quotas = {
  areSet: false,
  verdictOf: () => IN,
  whenKnown: () => Promise.resolve(IN),
  spentUntil: () => undefined,
  keep: () => Promise.resolve(),
  firstToCount: () => Promise.resolve(Infinity),
  reset: () => undefined,
  stop: () => undefined,
};

export function followQuotas({ nats, all, settingsOf, log, steadyNow, now }: QuotasDeps): Quotas {
  const counts = new Map<string, QuotaCount>();
  let limitedOf: ReadonlyMap<string, ProjectSettings> | undefined;
  let limited: ReadonlySet<string> = new Set();
  let isStopped = false;

  function limitedNow(): ReadonlySet<string> {
    const settings = all();
    if (settings !== limitedOf) {
      limitedOf = settings;
      limited = new Set([...settings].flatMap(([name, one]) => (hasQuota(one) ? [name] : [])));
    }
    return limited;
  }

  /** Nothing is counted any more, and what is not known stays so: it is for another process to judge. */
  const isNeverKnown = (project: string) => isStopped && limitedNow().has(project);

  /** Also of one whose quota was taken away, for as long as what was judged by it may come again. */
  function countOf(project: string, first: AskedFor): QuotaCount | undefined {
    const known = counts.get(project);
    if (known !== undefined || isStopped || !limitedNow().has(project)) return known;
    const count = countQuota({
      ...{ nats, project, first, log },
      settings: () => settingsOf(project),
      now: steadyNow,
    });
    counts.set(project, count);
    return count;
  }

  const timer = setInterval(() => {
    const at = steadyNow();
    for (const [project, count] of counts) {
      count.look(at);
      if (!count.isIdle) continue;
      count.stop();
      counts.delete(project);
    }
  }, LOOK_EVERY_MS);

  const followLink = async () => {
    for await (const _change of linkChanges(nats.connection)) {
      for (const count of counts.values()) count.doubt();
    }
  };
  followLink().catch((error: unknown) => {
    log.error({ err: error }, 'whether NATS was put back is not looked at any more');
  });

  function reset(): void {
    for (const count of counts.values()) count.stop();
    counts.clear();
  }

  return {
    get areSet() {
      return counts.size > 0 || limitedNow().size > 0;
    },
    verdictOf(project, place) {
      if (isNeverKnown(project)) return undefined;
      const count = countOf(project, place);
      return count === undefined ? IN : count.verdictOf(place);
    },
    whenKnown(project, place) {
      if (isNeverKnown(project)) return Promise.resolve('unknown');
      const count = countOf(project, place);
      if (count === undefined) return Promise.resolve(IN);
      return new Promise((resolve) => {
        count.whenKnown(place, resolve);
      });
    },
    spentUntil(project) {
      const at = now();
      const isSpent = countOf(project, { receivedAt: at })?.isSpentAt(at) === true;
      return isSpent ? startOfDay(dayOf(at) + 1) : undefined;
    },
    async keep(floor) {
      for (const [project, count] of counts) {
        await count.keep(floor).catch((error: unknown) => {
          log.debug({ err: error, project }, 'quota of a project is not kept for now');
        });
      }
    },
    async firstToCount(floor) {
      let first = Infinity;
      await each([...limitedNow()], ASKED_AT_ONCE, async (project) => {
        const needed = await firstToCount(nats, project, floor);
        if (needed === undefined) return;
        // What is not counted is not kept, and would stay for ever.
        countOf(project, { receivedAt: now() });
        first = Math.min(first, needed);
      });
      return first;
    },
    reset,
    stop() {
      isStopped = true;
      clearInterval(timer);
      reset();
    },
  };
}
