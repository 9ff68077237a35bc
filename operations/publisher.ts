/**
 * Publishes messages to JetStream until each is acknowledged. Many are under way at once; a message
 * that is not acknowledged is published again under the same id, which its session counts once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PubAck } from '@nats-io/jetstream';
import { errors, headers } from '@nats-io/transport-node';
import { isMessageRefused } from '../platform/message-refused.ts';
import { linkChanges } from '../platform/nats-link.ts';
import type { Nats } from '../platform/nats.ts';
import { reasonOf } from '../platform/unreachable.ts';
import { SojournError } from '../shared/errors.ts';

export interface OutgoingMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** `Nats-Msg-Id`: the same at every attempt. */
  readonly messageId: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Publisher {
  /** Resolves with the acknowledgement. @throws SojournError after half a minute without any */
  publish(message: OutgoingMessage): Promise<PubAck>;
  /** Resolves when there is room for one more message of this size. */
  room(bytes: number): Promise<void>;
  readonly underWay: number;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

const UNDER_WAY_MAX = 1_000;
const UNDER_WAY_BYTES_MAX = 16 * 1024 * 1024;
/** Long enough for a busy server: an impatient client only doubles its work. */
const ACK_TIMEOUT_MS = 10_000;
const GIVE_UP_MS = 30_000;
const BACKOFF_MS = { first: 100, max: 3_000 } as const;

/** What another attempt cannot mend. */
const FINAL_ERRORS = [
  errors.InvalidArgumentError,
  errors.InvalidSubjectError,
  errors.PermissionViolationError,
  errors.ClosedConnectionError,
  errors.DrainingConnectionError,
] as const;

export function createPublisher({ connection, js }: Nats, now = Date.now): Publisher {
  let underWay = 0;
  let underWayBytes = 0;
  let lastAnswerAt = 0;
  let connected = true;
  /** Attempts whose acknowledgement a lost connection may have taken along. */
  const unanswered = new Set<() => void>();
  /** Nothing was acknowledged for too long: the messages under way share this end. */
  let over: SojournError | undefined;
  let waiting: (() => void)[] = [];
  const wake = () => {
    const all = waiting;
    waiting = [];
    for (const resume of all) resume();
  };
  const change = () => new Promise<void>((resolve) => waiting.push(resolve));

  const watch = async () => {
    for await (const { type } of linkChanges(connection)) {
      connected = type === 'reconnect';
      if (connected) for (const tryAgain of unanswered) tryAgain();
    }
  };
  // Ends with the connection.
  watch().catch(() => undefined);

  async function attempt(message: OutgoingMessage, timeout: number): Promise<PubAck> {
    const head = headers();
    for (const [name, value] of Object.entries(message.headers ?? {})) head.set(name, value);
    const { subject, data, messageId: msgID } = message;
    let tryAgain = () => {};
    const reconnected = new Promise<never>((_resolve, reject) => {
      tryAgain = () => {
        reject(new Error('the connection was lost'));
      };
      unanswered.add(tryAgain);
    });
    try {
      const answer = js.publish(subject, data, { headers: head, msgID, timeout });
      return await Promise.race([answer, reconnected]);
    } finally {
      unanswered.delete(tryAgain);
    }
  }

  async function untilAcknowledged(message: OutgoingMessage): Promise<PubAck> {
    const since = now();
    for (let attempts = 1; ; attempts += 1) {
      try {
        const patienceMs = Math.min(ACK_TIMEOUT_MS, Math.max(1, leftMs(since)));
        const ack = await attempt(message, patienceMs);
        lastAnswerAt = now();
        return ack;
      } catch (error) {
        if (over !== undefined || isFinal(error)) throw over ?? error;
        await sleep(Math.min(BACKOFF_MS.first * 2 ** (attempts - 1), BACKOFF_MS.max));
        // While the connection is lost the client only stores what it is given.
        while (!connected && leftMs(since) > 0) await sleep(BACKOFF_MS.first);
        if (leftMs(since) > 0) continue;
        over ??= gaveUp(error);
        for (const tryAgain of unanswered) tryAgain();
        throw over;
      }
    }
  }
  const leftMs = (since: number) => Math.max(since, lastAnswerAt) + GIVE_UP_MS - now();

  return {
    async publish(message) {
      const bytes = message.data.length;
      underWay += 1;
      underWayBytes += bytes;
      try {
        return await untilAcknowledged(message);
      } finally {
        underWay -= 1;
        underWayBytes -= bytes;
        wake();
      }
    },
    async room(bytes) {
      while (
        underWay >= UNDER_WAY_MAX ||
        (underWay > 0 && underWayBytes + bytes > UNDER_WAY_BYTES_MAX)
      ) {
        await change();
      }
    },
    get underWay() {
      return underWay;
    },
    async idle() {
      while (underWay > 0) await change();
    },
  };
}

function isFinal(error: unknown): boolean {
  if (isMessageRefused(error)) return true;
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return FINAL_ERRORS.some((type) => error instanceof type || cause instanceof type);
}

function gaveUp(error: unknown): SojournError {
  return new SojournError(
    'SJ_SERVER_UNREACHABLE',
    `NATS acknowledged nothing for ${GIVE_UP_MS / 1_000} s (${reasonOf(error)})`,
    { cause: error },
  );
}

/** Bytes that a message's headers take of the server's `max_payload`. */
export function headerBytes(names: Readonly<Record<string, string>>): number {
  const lines = Object.entries(names).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.byteLength(`NATS/1.0\r\n${lines.join('')}\r\n`);
}
