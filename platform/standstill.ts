/**
 * Whether this process stood still: a frozen machine or container, a laptop that slept, a SIGSTOP. Others have gone on
 * meanwhile, and numbers of writes that it had begun may be free again, once their records are loaded and purged: what it had begun must
 * not be written, but begun anew (docs/decisions/006-purge-by-running-time.md).
 */
import { SojournError } from '../shared/errors.ts';

export interface Standstill {
  /** Where something begins. */
  mark(): number;
  /**
   * To be asked before something is written that goes by what was true at a mark.
   * @throws SojournError `SJ_STOOD_STILL` where the process stood still since, or so short a time ago that what it finds
   *   in its own queues is older
   */
  assertNoneSince(mark: number): void;
}

/** Milliseconds; one goes on while the machine sleeps, the other knows no steps. */
export interface Clocks {
  readonly wall: () => number;
  readonly steady: () => number;
}

/** Much shorter than what the purge leaves, much longer than a busy process takes for a turn. */
export const STOOD_STILL_MS = 60_000;
/** So long after that tasks may come that were received before. */
export const SUSPECT_MS = 30_000;

/** @param onStoodStill told once of each, with its length in milliseconds */
export function createStandstill(
  { wall, steady }: Clocks,
  onStoodStill: (ms: number) => void = () => undefined,
): Standstill & { look(): void } {
  let last = { wall: wall(), steady: steady() };
  let endedAt = -Infinity;

  /** @returns now, by the steady clock */
  function look(): number {
    const now = { wall: wall(), steady: steady() };
    const gap = Math.max(now.wall - last.wall, now.steady - last.steady);
    last = now;
    if (gap > STOOD_STILL_MS) {
      endedAt = now.steady;
      onStoodStill(gap);
    }
    return now.steady;
  }

  return {
    look,
    mark: look,
    assertNoneSince(mark) {
      if (look() - endedAt >= SUSPECT_MS && endedAt < mark) return;
      throw new SojournError(
        'SJ_STOOD_STILL',
        'this process stood still: what it had begun is begun anew',
      );
    },
  };
}

/** Whether something failed only because this process stood still: that says nothing of what was tried. */
export function isStoodStill(error: unknown): boolean {
  return error instanceof SojournError && error.code === 'SJ_STOOD_STILL';
}

const TICK_MS = 1_000;
let own: Standstill | undefined;

/** That of this process, from the first call on. @param onStoodStill of the first call */
export function ownStandstill(onStoodStill?: (ms: number) => void): Standstill {
  if (own !== undefined) return own;
  const created = createStandstill(
    { wall: Date.now, steady: performance.now.bind(performance) },
    onStoodStill,
  );
  setInterval(() => {
    created.look();
  }, TICK_MS).unref();
  own = created;
  return own;
}
