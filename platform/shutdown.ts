/**
 * Closing in the reverse order of opening, on SIGTERM or SIGINT; a second signal ends the process at
 * once.
 */
import { isatty } from 'node:tty';
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
type Ending = keyof typeof EXIT_CODES;

/** Whether one of the process's own streams is a terminal. */
function isAtTerminal(): boolean {
  return [0, 1, 2].some((descriptor) => isatty(descriptor));
}

/**
 * Resolves on the first SIGTERM or SIGINT, and where the process is at a terminal SIGHUP: that has gone then. From then
 * on a second one exits at once.
 * @param hasTerminal asked now: a terminal that has gone is none any more
 */
export function untilSignal(log: Logger, hasTerminal = isAtTerminal()): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let seen = false;
    const end = (signal: Ending) => {
      if (seen) process.exit(EXIT_CODES[signal]);
      seen = true;
      log.info({ signal }, 'stopping; again to stop at once');
      resolve(signal);
    };
    process.on('SIGINT', end);
    process.on('SIGTERM', end);
    // Whoever started it with `nohup` wants it to go on. Node.js undoes what that has set, at its start and without a
    // trace, so it has to be told by this; and unless it is listened to, SIGHUP ends a process.
    const goOn = () => {
      log.info({ signal: 'SIGHUP' }, 'the terminal that it was started from has gone; goes on');
    };
    process.on('SIGHUP', hasTerminal ? end : goOn);
  });
}
