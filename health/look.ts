/**
 * What the servers say, asked once for all who want to know within a moment: a scrape and two probes cost what one does.
 */
import type { Flow, Observer, Status } from '../operations/observe.ts';

export interface Look {
  readonly status: Status;
  /** See `Observer.flow`; null where nobody knows. */
  readonly oldestUnloadedMs: number | null;
  readonly redelivered: number | null;
  /** See `Observer.imports`. */
  readonly imports: number | null;
  /** Somebody has paused the consumer of EVENTS. */
  readonly isPaused: boolean;
}

/** Of the oldest that waits; 0 where none does. */
function ageOf(flow: Flow | undefined, now: number): number | null {
  if (flow === undefined || flow.oldestAt === null) return null;
  return flow.oldestAt === undefined ? 0 : Math.max(0, now - flow.oldestAt);
}

export interface Looker {
  /** Never rejects: a server that is away is part of the answer. */
  look(): Promise<Look>;
}

/** Orchestrators ask every few seconds. */
const FRESH_MS = 3_000;

export function createLooker(
  observer: Pick<Observer, 'status' | 'flow' | 'imports'>,
  now: () => number,
): Looker {
  let latest: Promise<Look> | undefined;
  let askedAt = -Infinity;

  async function ask(): Promise<Look> {
    const [status, flow, imports] = await Promise.all([
      observer.status(),
      observer.flow().catch(() => undefined),
      observer.imports().catch(() => null),
    ]);
    return {
      status,
      oldestUnloadedMs: ageOf(flow, now()),
      redelivered: flow?.redelivered ?? null,
      imports,
      isPaused: flow?.isPaused ?? false,
    };
  }

  return {
    look() {
      if (latest === undefined || now() - askedAt > FRESH_MS) {
        askedAt = now();
        latest = ask();
      }
      return latest;
    },
  };
}
