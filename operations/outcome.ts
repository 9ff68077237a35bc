/** What comes of a question to a server, in bounded time. */
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

/** What comes of a question; no answer in time is a failure. Never rejects. */
export async function outcomeOf<T>(call: () => Promise<T>): Promise<Outcome<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${PATIENCE_MS / 1_000} s`));
    }, PATIENCE_MS + 500);
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

export interface Timed<T> {
  readonly value: T;
  readonly latencyMs: number;
}

export async function timed<T>(call: () => Promise<T>): Promise<Timed<T>> {
  const startedAt = performance.now();
  const value = await call();
  return { value, latencyMs: Math.round((performance.now() - startedAt) * 10) / 10 };
}
