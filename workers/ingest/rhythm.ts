/**
 * When ingest delivers while nothing waits behind (docs/decisions/028): so that a session is woken when it may write, and
 * well before it would end. Pure.
 */
import type { SessionSettings } from '../../shared/actor.ts';
import { CHECKPOINT_MS_MAX, type Stretch } from './stretch.ts';

export interface Rhythm {
  /** Between two pulses for what is to be seen at once: new sessions, and those that end; milliseconds. */
  readonly promptMs: number;
  /** Between two pulses for what comes in the middle, milliseconds. */
  readonly middleMs: number;
  /** How long one session is left alone after a delivery, milliseconds: until it may write again. */
  readonly pauseMs: (now: number) => number;
}

/** As long as a session's own times allow it; `pause` is for sessions that write at their end only. */
const LONGEST_MS = { prompt: 500, middle: 1_000, pause: 5_000 } as const;

/** @param stretch how far checkpoints are stretched */
export function rhythmOf(
  { checkpointMs, idleTimeoutMs, lateGraceMs }: SessionSettings,
  stretch: Pick<Stretch, 'checkpointMs'>,
): Rhythm {
  const shortestMs = Math.min(idleTimeoutMs, lateGraceMs);
  const pauseMs = Math.min(checkpointMs ?? LONGEST_MS.pause, CHECKPOINT_MS_MAX, shortestMs / 2);
  return {
    promptMs: Math.max(1, Math.min(LONGEST_MS.prompt, shortestMs / 8)),
    middleMs: Math.max(1, Math.min(LONGEST_MS.middle, shortestMs / 4)),
    pauseMs: (now) => Math.min(stretch.checkpointMs(now) ?? pauseMs, idleTimeoutMs / 2),
  };
}
