/** Waits of an import: each says after a while what it waits for, and has an end. */
import type { Logger } from '../platform/log.ts';
import { SojournError } from '../shared/errors.ts';

/**
 * Resolves with the work, which goes on where it is given up.
 * @param what as in `waits for …`
 * @throws SojournError `SJ_TIMEOUT` after five minutes; what the work throws
 */
export type Wait = <T>(what: string, work: Promise<T>) => Promise<T>;

/** Milliseconds. */
export interface WaitMs {
  /** Longer than anything takes that goes well. */
  readonly say: number;
  readonly again: number;
  /** Longer than any server may take for an answer. */
  readonly end: number;
}

const WAIT_MS: WaitMs = { say: 15_000, again: 60_000, end: 300_000 };

export function createWait(log: Pick<Logger, 'warn'>, ms = WAIT_MS): Wait {
  return async <T>(what: string, work: Promise<T>): Promise<T> => {
    const since = performance.now();
    const seconds = () => Math.round((performance.now() - since) / 1_000);
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<never>((_resolve, reject) => {
      const look = () => {
        const waitedMs = performance.now() - since;
        if (waitedMs >= ms.end) {
          reject(new SojournError('SJ_TIMEOUT', `waited ${seconds()} s for ${what}`));
          return;
        }
        log.warn({ waitsFor: what, seconds: seconds() }, 'import waits');
        timer = setTimeout(look, Math.min(ms.again, ms.end - waitedMs));
      };
      timer = setTimeout(look, ms.say);
    });
    try {
      return await Promise.race([work, over]);
    } finally {
      clearTimeout(timer);
    }
  };
}
