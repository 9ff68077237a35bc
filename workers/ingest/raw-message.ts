/**
 * What JetStream hands over, as the border reads it. Nothing here throws: headers that the client refuses to decode
 * (a name with a character it does not like is enough) make a dead letter, and everything else goes on.
 */
import type { JsMsg, StoredMsg } from '@nats-io/jetstream';
import type { MsgHdrs } from '@nats-io/transport-node';
import { isIdGiven } from './parse-fields.ts';
import { placeOf, type RawMessage } from './parse-event.ts';

/** The id of a replayed dead letter's event; before `Nats-Msg-Id`, which is new at each publishing. */
export const EVENT_ID_HEADER = 'Sojourn-Event-Id';

export interface Received {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly seq: number;
  /** When the stream took it, epoch milliseconds. */
  readonly receivedAt: number;
  /** Decodes the headers; may throw. */
  readonly headers: () => MsgHdrs | undefined;
}

/** A message of the consumer. */
export function receivedOf(message: JsMsg): Received {
  const { subject, data, seq } = message;
  // By its digits: as a float, a nanosecond more would now and then be the next millisecond.
  const receivedAt = Number(message.timestampNanos / 1_000_000n);
  return { subject, data, seq, receivedAt, headers: () => message.headers };
}

/** A message that was asked for. */
export function storedOf(message: StoredMsg): Received {
  const { subject, data, seq } = message;
  return { subject, data, seq, receivedAt: message.time.getTime(), headers: () => message.header };
}

/** @param placesSince from when on a message is known by its place, not by its bare sequence; epoch milliseconds */
export function rawMessageOf(received: Received, placesSince: number): RawMessage {
  const { subject, data, seq, receivedAt } = received;
  return {
    subject,
    data,
    seq,
    receivedAt,
    place: receivedAt < placesSince ? String(seq) : placeOf(seq, receivedAt),
    ...idFrom(received.headers),
  };
}

function idFrom(
  headers: () => MsgHdrs | undefined,
): Pick<RawMessage, 'messageId' | 'headersFault'> {
  try {
    const given = headers();
    const ids = [given?.get(EVENT_ID_HEADER), given?.get('Nats-Msg-Id')];
    const messageId = ids.find(isIdGiven);
    return messageId === undefined ? {} : { messageId };
  } catch (error) {
    return { headersFault: `headers cannot be read: ${sentenceOf(error)}` };
  }
}

const SENTENCE_CHARS_MAX = 200;

function sentenceOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error).slice(0, SENTENCE_CHARS_MAX);
}
