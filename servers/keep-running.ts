/**
 * Starts a server again that ended by itself, or that refuses everything until it is started anew, on its ports and
 * folder; the longer between two attempts, the more often it was needed lately, and not for ever.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { SojournError, toError } from '../shared/errors.ts';

/** A server as it is watched. */
export interface Kept {
  readonly name: string;
  /** Its process of now. */
  current(): { readonly exited: Promise<unknown> };
  restart(): Promise<void>;
  /** Asked from time to time, where given: why it can only go on after a new start; undefined where all is well. */
  faultOf?(): Promise<string | undefined>;
  /** Asked as often: why it is to be started anew though it is well. That is no failure, and counts as none. */
  renewalOf?(): string | undefined;
}

export interface KeepOptions {
  readonly log: Logger;
  /** Between two looks at what {@link Kept.faultOf} says. @default 10 s */
  readonly lookEveryMs?: number;
  /** Before the first new start; doubled with each further one. @default 1 s */
  readonly backoffMs?: number;
}

export interface Keeper {
  /** Rejects where a server cannot be kept running: SJ_SERVER_START. */
  readonly failed: Promise<never>;
  /** From now on nothing is started any more; resolves when no start is under way. */
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 10_000;
const BACKOFF_MS = 1_000;
const BACKOFF_MS_MAX = 60_000;
/** New starts in a row before it is given up, */
const ATTEMPTS_MAX = 8;
/** and how long a server has to run before they are forgotten. */
const STEADY_AFTER_MS = 5 * 60_000;

export function keepRunning(servers: readonly Kept[], options: KeepOptions): Keeper {
  const stopped = new AbortController();
  const loops = servers.map((server) => keep(server, options, stopped.signal));
  const failed = Promise.all(loops).then(() => new Promise<never>(() => undefined));
  // Whoever does not ask has the log.
  failed.catch(() => undefined);
  return {
    failed,
    async stop() {
      stopped.abort();
      await Promise.allSettled(loops);
    },
  };
}

async function keep(server: Kept, options: KeepOptions, stop: AbortSignal): Promise<void> {
  const { log, lookEveryMs = LOOK_EVERY_MS, backoffMs = BACKOFF_MS } = options;
  const isOver = () => stop.aborted;
  let attempts = 0;
  let startedAt = Date.now();
  while (!isOver()) {
    const found = await untilFault(server, lookEveryMs, stop);
    if (found === undefined) return;
    if (found.isRenewal && (await renewed(server, found.why, log))) continue;
    let fault = found.why;
    if (Date.now() - startedAt >= STEADY_AFTER_MS) attempts = 0;
    for (let running = false; !running;) {
      if (attempts >= ATTEMPTS_MAX) {
        const message = `${server.name} could not be kept running, it was started anew ${attempts} times: ${fault}`;
        throw new SojournError('SJ_SERVER_START', message);
      }
      const waitMs = Math.min(BACKOFF_MS_MAX, backoffMs * 2 ** attempts);
      attempts += 1;
      log.warn({ server: server.name, fault, waitMs }, 'starting a server again');
      await sleep(waitMs, undefined, { signal: stop }).catch(() => undefined);
      if (isOver()) return;
      try {
        await server.restart();
        running = true;
        startedAt = Date.now();
        log.info({ server: server.name }, 'the server runs again');
      } catch (error) {
        fault = toError(error).message;
        log.error({ server: server.name, err: toError(error) }, 'a server did not start again');
      }
    }
  }
}

async function renewed(server: Kept, why: string, log: Logger): Promise<boolean> {
  log.info({ server: server.name, why }, 'starting a server anew');
  try {
    await server.restart();
    log.info({ server: server.name }, 'the server runs again');
    return true;
  } catch (error) {
    log.error({ server: server.name, err: toError(error) }, 'a server did not start again');
    return false;
  }
}

interface Reason {
  readonly why: string;
  readonly isRenewal?: boolean;
}

/** @returns why it has to be started again; undefined once `stop` says so */
async function untilFault(
  server: Kept,
  lookEveryMs: number,
  stop: AbortSignal,
): Promise<Reason | undefined> {
  const ended = server.current().exited.then(() => ({ why: 'it ended by itself' }));
  const isOver = () => stop.aborted;
  let before: string | undefined;
  while (!isOver()) {
    const look = new AbortController();
    const pause = sleep(lookEveryMs, undefined, { signal: AbortSignal.any([stop, look.signal]) });
    const first = await Promise.race([ended, pause.catch(() => undefined)]);
    look.abort();
    if (isOver()) return undefined;
    if (first !== undefined) return first;
    const renewal = server.renewalOf?.();
    if (renewal !== undefined) return { why: renewal, isRenewal: true };
    const fault = await server.faultOf?.();
    // Seen once it may have been in passing.
    if (fault !== undefined && before !== undefined) return { why: fault };
    before = fault;
  }
  return undefined;
}
