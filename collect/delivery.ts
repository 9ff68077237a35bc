/**
 * Publishes a message once, however often it takes. While the connection is away, or JetStream elects a leader, it waits
 * and publishes the same message again, under the same `Nats-Msg-Id`: one whose acknowledgement was lost may then lie in
 * EVENTS twice, and its events have the same ids both times, so their sessions count them once.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { isJetStreamAway } from '../platform/jetstream-away.ts';
import type { Logger } from '../platform/log.ts';
import { linkChanges } from '../platform/nats-link.ts';
import type { Nats } from '../platform/nats.ts';
import { toError } from '../shared/errors.ts';
import type { OutgoingMessage } from './messages.ts';
import type { RequestTrace } from './request-traces.ts';

export interface Delivery {
  /** Whether the connection is there. */
  readonly isUp: boolean;
  /**
   * Resolves when JetStream has acknowledged.
   * @param stop aborted when nobody waits for it any more: it is not published again then
   * @param trace goes along in its headers
   * @throws what trying again does not mend, as a stream that is full; and once it is stopped
   */
  deliver(message: OutgoingMessage, stop: AbortSignal, trace?: RequestTrace): Promise<void>;
}

export interface DeliveryOptions {
  /** How long one attempt waits for its acknowledgement. */
  readonly ackMs: number;
  /** The connection is back. */
  readonly onUp: () => void;
}

/** Between two attempts while JetStream does not take anything. */
const AGAIN_MS = 100;

/** What was sent over it may have been taken or not. */
class LostConnectionError extends Error {
  override readonly name = 'LostConnectionError';
}

export function createDelivery(
  { connection, js }: Pick<Nats, 'connection' | 'js'>,
  log: Logger,
  { ackMs, onUp }: DeliveryOptions,
): Delivery {
  let isUp = true;
  /** Each is told when the connection is lost: the client itself would let it wait for its time-out. */
  const attempts = new Set<(error: Error) => void>();
  /** Each is told when it is back. */
  const waiters = new Set<() => void>();
  const newId = createIds();

  async function follow(): Promise<void> {
    for await (const { type } of linkChanges(connection)) {
      if (type === 'disconnect') {
        isUp = false;
        const lost = new LostConnectionError('the connection to NATS is lost');
        for (const giveUp of attempts) giveUp(lost);
      } else {
        isUp = true;
        for (const wake of waiters) wake();
        onUp();
      }
    }
  }
  follow().catch((error: unknown) => {
    log.error({ err: toError(error) }, 'the connection to nats is not followed any more');
  });

  function untilUp(stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        waiters.delete(wake);
        stop.removeEventListener('abort', wake);
        resolve();
      };
      waiters.add(wake);
      stop.addEventListener('abort', wake);
    });
  }

  function attempt(
    { subject, data }: OutgoingMessage,
    msgID: string,
    trace: RequestTrace | undefined,
  ): Promise<void> {
    const options = { msgID, timeout: ackMs, ...(trace && { headers: headersOf(trace) }) };
    return new Promise((resolve, reject) => {
      attempts.add(reject);
      js.publish(subject, data, options)
        .then(() => {
          resolve();
        }, reject)
        .finally(() => attempts.delete(reject))
        .catch(reject);
    });
  }

  return {
    get isUp() {
      return isUp;
    },
    async deliver(message, stop, trace) {
      const id = newId();
      for (;;) {
        stop.throwIfAborted();
        if (!isUp) {
          await untilUp(stop);
          continue;
        }
        try {
          await attempt(message, id, trace);
          return;
        } catch (error) {
          log.debug({ err: error }, 'a message was not acknowledged');
          // Published again as soon as the connection is back.
          if (error instanceof LostConnectionError) continue;
          if (!isJetStreamAway(error)) throw error;
        }
        await sleep(AGAIN_MS);
      }
    },
  };
}

function headersOf(trace: RequestTrace): MsgHdrs {
  const head = headers();
  for (const [name, value] of Object.entries(trace)) head.set(name, String(value));
  return head;
}

/** Of this process, and short: with an index behind it a session keeps it as it is. */
function createIds(): () => string {
  const own = randomBytes(9).toString('base64url');
  let count = 0;
  return () => {
    count += 1;
    return `${own}-${count.toString(36)}`;
  };
}
