/**
 * Closing in the reverse order of opening, on SIGTERM or SIGINT; a second signal ends the process at
 * once.
 */
import { toError } from '../shared/errors.ts';
import type { Logger } from './log.ts';

export interface Closers {
  /** Notes what to close. */
  add(name: string, close: () => Promise<unknown>): void;
  /** Closes everything once, newest first; a failure is logged and the rest goes on. */
  closeAll(): Promise<void>;
}

export function createClosers(log: Logger): Closers {
  const stack: { readonly name: string; readonly close: () => Promise<unknown> }[] = [];
  let closing: Promise<void> | undefined;
  return {
    add(name, close) {
      stack.push({ name, close });
    },
    closeAll() {
      closing ??= (async () => {
        for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
          const { name, close } = entry;
          await close().catch((error: unknown) => {
            log.warn({ err: toError(error), name }, 'could not be closed cleanly');
          });
        }
      })();
      return closing;
    },
  };
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Resolves on the first SIGTERM, SIGINT or SIGHUP. From then on a second one exits at once.
 */
export function untilSignal(log: Logger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let seen = false;
    for (const signal of Object.keys(EXIT_CODES) as (keyof typeof EXIT_CODES)[]) {
      process.on(signal, () => {
        if (seen) process.exit(EXIT_CODES[signal]);
        seen = true;
        log.info({ signal }, 'stopping; again to stop at once');
        resolve(signal);
      });
    }
  });
}
