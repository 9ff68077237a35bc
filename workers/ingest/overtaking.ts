/**
 * Nobody waits for another project's queue. The consumer gives messages in the order they came in; behind a long
 * queue of one project, or while a session that takes nothing fills what may be held, the others would wait for
 * it. So while that is so, this looks past the queue: which projects have messages in the stream, and what of
 * each comes after the consumer's place. Those are delivered out of turn. Nothing is acknowledged by that: when
 * the consumer comes to such a message it is acknowledged because it has been delivered, and where nobody
 * remembers that it is delivered again, which changes nothing, for a session knows its events by their ids.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../platform/log.ts';
import { each } from '../../shared/each.ts';
import { OVERTAKING_PER_PROJECT_MAX } from '../../shared/limits.ts';
import type { ParsedMessage, SessionEvent } from './parse-event.ts';

/** A message as it lies in the stream. */
export interface Ahead {
  readonly seq: number;
}

/** Events of a project that are held, and of those the ones that overtook. */
export interface HeldOf {
  readonly all: number;
  readonly ahead: number;
}

export interface OvertakingDeps<M extends Ahead> {
  /** Messages in the stream by project. */
  readonly countByProject: () => Promise<ReadonlyMap<string, number>>;
  /** Messages of a project from a sequence on, in order, at most so many; fewer where no more are there. */
  readonly read: (project: string, fromSeq: number, count: number) => Promise<readonly M[]>;
  /** Where the consumer is. */
  readonly place: () => Place;
  readonly held: (project: string) => HeldOf;
  /** Room for more that overtake. */
  readonly hasRoom: () => boolean;
  /**
   * Looks at one, and holds what may be taken of it.
   * @returns false where it cannot be looked at yet, as whether its quota has room for it is not known: it, and those of its
   * project after it, are read again by the next look
   */
  readonly take: (message: M) => boolean;
  /** Projects of which nothing is left to be overtaken. */
  readonly setAhead: (projects: ReadonlySet<string>) => void;
}

export interface Place {
  /** The last message that the consumer gave. */
  readonly seq: number;
  /** Messages that it has yet to give, as far as known. */
  readonly pending: number;
  /** For how long nothing could be taken of it, milliseconds. */
  readonly stalledMs: number;
}

export interface Overtaking {
  /** Overtakes where there is a reason to; resolves when that is done. @throws what the deps throw */
  look(): Promise<void>;
  /** Sequences begin anew. */
  reset(): void;
}

/** A queue of fewer messages is through in a moment. */
const QUEUE_LONG = 500;
/** After so long something stands in the way; */
const STALLED_MS = 500;
/** and after so long it stands in the way of its own project as well. */
const STUCK_MS = 1_000;
/** A project of which more is held by way of the consumer is not waiting for others. */
const SERVED_MIN = 10;
/** Messages asked for at a time, how often of one project before it is the turn of others, projects side by side. */
const READ_AT_A_TIME = 256;
const READS_MAX = 2;
const SIDE_BY_SIDE = 4;

export function createOvertaking<M extends Ahead>(deps: OvertakingDeps<M>): Overtaking {
  /** The message after which nothing has been looked at, by project. */
  const lookedTo = new Map<string, number>();
  /** Messages of the project when all of it had been looked at. */
  const countThen = new Map<string, number>();
  let isOvertaking = false;

  function projectsToLookAt(counts: ReadonlyMap<string, number>, { stalledMs }: Place): string[] {
    return [...counts.keys()].filter((project) => {
      if (stalledMs >= STUCK_MS) return true;
      const { all, ahead } = deps.held(project);
      return all - ahead < SERVED_MIN;
    });
  }

  /** @returns whether all of the project has been looked at */
  async function lookAt(project: string, count: number): Promise<boolean> {
    if (countThen.get(project) === count) return true;
    for (let reads = 0; reads < READS_MAX; reads += 1) {
      const room = OVERTAKING_PER_PROJECT_MAX - deps.held(project).ahead;
      if (room <= 0 || !deps.hasRoom()) return false;
      const from = Math.max(lookedTo.get(project) ?? 0, deps.place().seq) + 1;
      const wanted = Math.min(room, READ_AT_A_TIME);
      const messages = await deps.read(project, from, wanted);
      for (const message of messages) {
        if (!deps.take(message)) return false;
        lookedTo.set(project, message.seq);
      }
      if (messages.length < wanted) {
        countThen.set(project, count);
        return true;
      }
    }
    return false;
  }

  function forget(counts: ReadonlyMap<string, number>): void {
    for (const known of [lookedTo, countThen]) {
      for (const project of known.keys()) if (!counts.has(project)) known.delete(project);
    }
  }

  return {
    async look() {
      const place = deps.place();
      if (place.pending < QUEUE_LONG && place.stalledMs < STALLED_MS) {
        if (isOvertaking) deps.setAhead(new Set());
        isOvertaking = false;
        // By the next queue as many may be others: the stream lets go what is old.
        countThen.clear();
        return;
      }
      isOvertaking = true;
      const counts = await deps.countByProject();
      forget(counts);
      const queue = projectsToLookAt(counts, place);
      const ahead = new Set<string>();
      await each(queue, SIDE_BY_SIDE, async (project) => {
        if (await lookAt(project, counts.get(project) ?? 0)) ahead.add(project);
      });
      deps.setAhead(ahead);
    },
    reset() {
      lookedTo.clear();
      countThen.clear();
    },
  };
}

/**
 * What is held of a project beside what waits for sessions that fail: by those it is neither served nor kept from its
 * share. But for so many that overtook: the room for them is that of all projects.
 */
export function heldBeside(held: HeldOf, failing: HeldOf): HeldOf {
  const ahead = Math.max(0, held.ahead - Math.min(failing.ahead, OVERTAKING_PER_PROJECT_MAX));
  const inTurn = Math.max(0, held.all - held.ahead - (failing.all - failing.ahead));
  return { all: inTurn + ahead, ahead };
}

/** What of a message may be taken out of turn. */
export interface TakenAhead {
  readonly events: readonly SessionEvent[];
  /** Something is left to the consumer's way, which keeps dead letters, counts the forgotten and waits for who fails. */
  readonly isPart: boolean;
}

/** @param isLeft whether an event is to wait for the consumer; what is good beside it does not */
export function takenAhead(
  { events, deadLetters }: ParsedMessage,
  isLeft: (event: SessionEvent) => boolean,
): TakenAhead {
  const taken = events.filter((event) => !isLeft(event));
  return { events: taken, isPart: taken.length < events.length || deadLetters.length > 0 };
}

/** When to look past the queue, milliseconds, and for how long not to, for each millisecond that it takes. */
const OVERTAKE = { everyMs: 300, restForWork: 1, afterErrorMs: 5_000 } as const;

export interface KeepOvertakingDeps {
  readonly look: () => Promise<void>;
  readonly isStopping: () => boolean;
  readonly log: Logger;
  readonly now: () => number;
}

/** Looks past the queue now and then, the longer that takes the less often, until it is to stop. */
export async function keepOvertaking({ look, isStopping, log, now }: KeepOvertakingDeps) {
  let waitMs: number = OVERTAKE.everyMs;
  for (;;) {
    await sleep(waitMs, undefined, { ref: false });
    if (isStopping()) return;
    const at = now();
    try {
      await look();
      waitMs = Math.max(OVERTAKE.everyMs, (now() - at) * OVERTAKE.restForWork);
    } catch (error) {
      waitMs = OVERTAKE.afterErrorMs;
      log.warn({ err: error }, 'could not look past the queue, others wait for it meanwhile');
    }
  }
}
