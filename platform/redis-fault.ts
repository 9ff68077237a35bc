/**
 * Why a connection to Redis does not come back. The first error of an outage is most often that nobody listens, since Redis
 * is being started again; what keeps the connection from coming back then, such as a certificate that has expired or
 * another password, is told by a later one, or by none.
 */
import type { EventEmitter } from 'node:events';
import { type ConnectionFaultError, type FaultKind, faultKindOf } from './connection-fault.ts';
import type { Logger } from './log.ts';
import { steadyNow } from './steady-clock.ts';

export interface LookTimes {
  /** A server that is started again is back by then. */
  readonly afterMs: number;
  /** Until something shows. */
  readonly everyMs: number;
}

const TIMES: LookTimes = { afterMs: 3_000, everyMs: 30_000 };

interface Outage {
  readonly since: number;
  isSaid: boolean;
  /** What errors said by themselves, and what was told of: each once. */
  readonly seen: Set<FaultKind>;
  readonly told: Set<FaultKind>;
  /** When to look why it is, where errors do not say. */
  lookAt: number;
}

/**
 * Logs outages, and in each what keeps Redis from being used, each kind once.
 * @param look tells what is wrong by an error, or by a look where that says nothing; undefined where nothing shows
 */
export function watchRedis(
  redis: Pick<EventEmitter, 'on'>,
  look: (error: unknown) => Promise<ConnectionFaultError | undefined>,
  log: Logger,
  { afterMs, everyMs }: LookTimes = TIMES,
): void {
  let outage: Outage | undefined;

  const begun = (at: number): Outage =>
    (outage ??= { since: at, isSaid: false, seen: new Set(), told: new Set(), lookAt: at });

  const say = (of: Outage, error: unknown) => {
    if (!of.isSaid) log.warn({ err: error }, 'redis connection lost');
    of.isSaid = true;
  };

  /** Whether there is something to find out that was not found out yet. */
  const isNew = (of: Outage, error: unknown, at: number): boolean => {
    const kind = faultKindOf(error);
    if (kind !== undefined) {
      const isSeen = of.seen.has(kind);
      of.seen.add(kind);
      return !isSeen;
    }
    if (at < of.lookAt) return false;
    of.lookAt = at - of.since < afterMs ? of.since + afterMs : at + everyMs;
    return true;
  };

  const follow = async (of: Outage, error: unknown) => {
    const fault = await look(error);
    if (fault === undefined || of !== outage || of.told.has(fault.kind)) return;
    of.told.add(fault.kind);
    of.lookAt = Infinity;
    log.warn({ fault: fault.message }, 'redis cannot be used as things are set');
  };

  const followIfNew = (of: Outage, error: unknown, at: number) => {
    if (!isNew(of, error, at)) return;
    follow(of, error).catch((err: unknown) => {
      log.debug({ err }, 'nobody could look why redis is away');
    });
  };

  redis.on('error', (error: Error) => {
    const at = steadyNow();
    const of = begun(at);
    say(of, error);
    followIfNew(of, error, at);
  });
  // A server that wants TLS hangs up on who speaks without, and the client takes that for no error.
  redis.on('close', () => {
    const at = steadyNow();
    const of = begun(at);
    if (at - of.since < afterMs) return;
    say(of, undefined);
    followIfNew(of, undefined, at);
  });
  redis.on('ready', () => {
    if (outage?.isSaid === true) log.info('redis connection is back');
    outage = undefined;
  });
}
