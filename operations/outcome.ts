/** What comes of a question to a server, in bounded time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionFaultError, type FaultKind } from '../platform/connection-fault.ts';
import { reasonOf } from '../platform/unreachable.ts';

/** Nobody waits longer than this to hear that a server is away. */
export const PATIENCE_MS = 5_000;

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly value?: undefined;
      readonly error: string;
      readonly fault?: FaultKind;
    };

/** A little longer than servers are given, so that what a client says of them is what is told. */
const OUTCOME_MS_MAX = PATIENCE_MS + 500;

/** What comes of a question; no answer in time is a failure. Never rejects. */
export async function outcomeOf<T>(
  call: () => Promise<T>,
  withinMs = OUTCOME_MS_MAX,
): Promise<Outcome<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${PATIENCE_MS / 1_000} s`));
    }, withinMs);
  });
  try {
    return { ok: true, value: await Promise.race([call(), late]) };
  } catch (error) {
    const fault = error instanceof ConnectionFaultError ? { fault: error.kind } : {};
    return { ok: false, error: reasonOf(error), ...fault };
  } finally {
    clearTimeout(timer);
  }
}

/** How long the first one is waited for before another one is asked as well. */
const MOMENT_MS = 1_000;

/**
 * Asks somebody else where the first one fails, or has not answered within a moment: who waits for both, one after the
 * other, is told nothing in the time that Prometheus and probes have.
 * @returns undefined where the first one has answered well by then. Never rejects
 */
export async function outcomeOfOther<T>(
  first: Promise<Outcome<unknown>>,
  call: () => Promise<T>,
): Promise<Outcome<T> | undefined> {
  const stop = new AbortController();
  const late = sleep(MOMENT_MS, false, stop).catch(() => false);
  const isWell = await Promise.race([first.then(({ ok }) => ok), late]);
  stop.abort();
  return isWell ? undefined : outcomeOf(call);
}

/** Questions one after the other that share the patience for one. */
export function sharedPatience(
  withinMs = OUTCOME_MS_MAX,
): <T>(call: () => Promise<T>) => Promise<Outcome<T>> {
  const until = performance.now() + withinMs;
  return (call) => outcomeOf(call, Math.max(0, until - performance.now()));
}

export interface Timed<T> {
  readonly value: T;
  readonly latencyMs: number;
}

export async function timed<T>(call: () => Promise<T>): Promise<Timed<T>> {
  const startedAt = performance.now();
  const value = await call();
  return { value, latencyMs: Math.round((performance.now() - startedAt) * 10) / 10 };
}
