/**
 * Sessions that did not take their events: tried again in places of their own, and given up into dead letters where
 * that has been going on for long enough; the others go on meanwhile.
 */
import type { Logger } from '../../platform/log.ts';
import { isStoodStill } from '../../platform/standstill.ts';
import { isRefused, isServerAway } from '../../platform/temporal.ts';
import { toError } from '../../shared/errors.ts';
import { DEADLETTERS_STREAM, sessionWorkflowId } from '../../shared/ids.ts';
import { createApart } from './apart.ts';
import type { Delivery, HeldMessage } from './gather.ts';
import { stuckReason } from './give-up.ts';
import type { HeldOf } from './overtaking.ts';
import type { StuckSessions } from './stuck-sessions.ts';

export interface FailingSessionsDeps {
  readonly stuck: StuckSessions;
  /** One try. @throws what the session or the server had against it */
  readonly attempt: (delivery: Delivery) => Promise<void>;
  /** Makes dead letters of a delivery. @throws where they are not kept */
  readonly giveUp: (delivery: Delivery, reason: string) => Promise<void>;
  /** A delivery is done with, taken or given up. */
  readonly onDone: (delivery: Delivery, isGivenUp: boolean) => void;
  /** A try here was not taken. What brought a session here was tried elsewhere, and is counted there. */
  readonly onFailed: () => void;
  /** The messages of the events that wait behind a delivery of their session. */
  readonly behind: (delivery: Delivery) => readonly HeldMessage[];
  /** While the server is away nobody is tried; epoch milliseconds. */
  readonly pausedUntil: () => number;
  readonly isStopping: () => boolean;
  /** What is left is somebody else's. */
  readonly isOver: () => boolean;
  readonly log: Logger;
  readonly now: () => number;
}

export interface FailingSessions {
  /** Deliveries that wait for another try, or are being tried. */
  readonly size: number;
  /** How long the session that has failed for longest, of those deliveries, has not taken what is held for it; 0 where there is none. */
  readonly longestMs: number;
  /** Events of a project that are held for such sessions, those behind their deliveries too. */
  heldOf(project: string): HeldOf;
  /** Its session failed before, so it takes its turn here. */
  add(delivery: Delivery): void;
  /** Its session failed just now: it is tried again after a while, or given up. */
  failed(delivery: Delivery, error: unknown): void;
}

/** Tried at a time: each may take seconds. */
const PLACES = 4;
/** Until dead letters that were not kept are tried again. */
const LETTERS_AGAIN_MS = 5_000;
/** Until one is tried again that failed because this process stood still. */
const STOOD_STILL_AGAIN_MS = 5_000;

export function createFailingSessions(deps: FailingSessionsDeps): FailingSessions {
  const { stuck, log, now } = deps;
  const apart = createApart(PLACES, tryOne);
  const byProject = new Map<string, Set<Delivery>>();
  const joinedAt = new Map<Delivery, number>();

  function join(delivery: Delivery): void {
    joinedAt.set(delivery, now());
    const others = byProject.get(delivery.project);
    if (others === undefined) byProject.set(delivery.project, new Set([delivery]));
    else others.add(delivery);
  }

  function leave(delivery: Delivery): void {
    joinedAt.delete(delivery);
    const others = byProject.get(delivery.project);
    others?.delete(delivery);
    if (others?.size === 0) byProject.delete(delivery.project);
  }

  const sessionOf = ({ project, sessionId }: Delivery) => sessionWorkflowId(project, sessionId);
  const addIn = (delivery: Delivery, waitMs: number) => {
    setTimeout(() => {
      apart.add(delivery);
    }, waitMs);
  };

  function again(delivery: Delivery, error: unknown): void {
    if (isStoodStill(error)) {
      addIn(delivery, STOOD_STILL_AGAIN_MS);
      return;
    }
    const { project, sessionId } = delivery;
    const session = sessionOf(delivery);
    const failure = stuck.failed(session, isRefused(error), now(), isServerAway(error));
    const { attempts, failingForMs, retryInMs } = failure;
    if (retryInMs === undefined) {
      stuck.giveUp(session, stuckReason(failingForMs, toError(error)), now());
      log.error(
        { err: error, project, sessionId, attempts, failingForMs },
        'session took no events for too long, they become dead letters',
      );
    } else {
      log.error(
        { err: error, project, sessionId, attempts, waitMs: retryInMs },
        'session did not take events, trying again',
      );
    }
    addIn(delivery, retryInMs ?? 0);
  }

  async function tryOne(delivery: Delivery): Promise<void> {
    if (deps.isOver()) return;
    const at = now();
    const pausedForMs = deps.pausedUntil() - at;
    if (pausedForMs > 0) {
      addIn(delivery, pausedForMs);
      return;
    }
    const reason = stuck.givenUp(sessionOf(delivery), at);
    try {
      if (reason === undefined) await deps.attempt(delivery);
      else await deps.giveUp(delivery, reason);
    } catch (error) {
      if (reason === undefined) {
        deps.onFailed();
        again(delivery, error);
      } else giveUpLater(delivery, error);
      return;
    }
    leave(delivery);
    deps.onDone(delivery, reason !== undefined);
  }

  function giveUpLater(delivery: Delivery, error: unknown): void {
    // Its messages are given back, and offered to the next process.
    if (deps.isStopping()) return;
    log.warn({ err: error, stream: DEADLETTERS_STREAM }, 'dead letters not kept, trying again');
    addIn(delivery, LETTERS_AGAIN_MS);
  }

  return {
    get size() {
      return joinedAt.size;
    },
    get longestMs() {
      const at = now();
      // One that was given up may have failed for hours, and what comes now waits since a moment ago.
      const failedFor = Array.from(
        joinedAt,
        ([delivery, since]) =>
          at - Math.max(since, stuck.failingSince(sessionOf(delivery)) ?? since),
      );
      return failedFor.reduce((longest, ms) => Math.max(longest, ms), 0);
    },
    heldOf(project) {
      const held = [...(byProject.get(project) ?? [])].flatMap((delivery) => [
        ...delivery.messages,
        ...deps.behind(delivery),
      ]);
      return { all: held.length, ahead: held.filter(({ overtakes }) => overtakes).length };
    },
    add(delivery) {
      join(delivery);
      apart.add(delivery);
    },
    failed(delivery, error) {
      join(delivery);
      again(delivery, error);
    },
  };
}
