/**
 * Why a connection to NATS that was there does not come back, where it is TLS: the client tries on, and says nothing of it. A
 * server whose certificate has expired meanwhile refuses nobody before its next start, or the client's next try.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { Logger } from './log.ts';
import { linkChanges } from './nats-link.ts';

export interface LookTimes {
  /** A server that is started again is back by then. */
  readonly afterMs: number;
  /** Until something shows. */
  readonly everyMs: number;
}

const TIMES: LookTimes = { afterMs: 3_000, everyMs: 30_000 };

/**
 * Says it once until the connection is back.
 * @param look tells what is wrong, as whoever connects is told; undefined where nothing shows
 */
export function watchFault(
  connection: Pick<NatsConnection, 'status'>,
  look: () => Promise<Error | undefined>,
  log: Logger,
  { afterMs, everyMs }: LookTimes = TIMES,
): void {
  let timer: NodeJS.Timeout | undefined;
  /** The outage that is looked at; what is found out after its end is of no interest. */
  let outage = 0;

  const lookIn = (ms: number, of: number) => {
    timer = setTimeout(() => {
      lookAt(of).catch((err: unknown) => {
        log.debug({ err }, 'nobody could look why nats is away');
      });
    }, ms);
    timer.unref();
  };
  const lookAt = async (of: number) => {
    const fault = await look().finally(() => {
      if (of === outage) lookIn(everyMs, of);
    });
    if (of !== outage || fault === undefined) return;
    clearTimeout(timer);
    log.warn({ fault: fault.message }, 'nats cannot be used as things are set');
  };
  const follow = async () => {
    for await (const { type } of linkChanges(connection)) {
      clearTimeout(timer);
      outage += 1;
      if (type === 'disconnect') lookIn(afterMs, outage);
    }
  };

  follow()
    .catch((error: unknown) => {
      log.error({ err: error }, 'nats fault watch ended');
    })
    .finally(() => {
      outage += 1;
      clearTimeout(timer);
    });
}
