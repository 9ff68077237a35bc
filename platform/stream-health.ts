/**
 * Whether streams take messages. A server whose disk was full goes on answering everything but publishers, also when
 * there is room again, until it is restarted (seen on 2.15): nothing but an attempt to write tells.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import { toError } from '../shared/errors.ts';
import { isApiError } from './nats.ts';

/** No stream has got so far: nothing is deleted. */
const NO_SEQUENCE = 9e15;
const DELETE_FAILED = 10057;
/** What the server says where it would delete, but there is no such message. */
const NOTHING_THERE = /EOF|no message found|not found/i;

/**
 * Asks for a message to be deleted that cannot exist: where the stream cannot write, the server says so first.
 * @returns what is wrong, in the server's words; undefined where nothing is
 */
export async function writeFault(
  jsm: Pick<JetStreamManager, 'streams'>,
  stream: string,
): Promise<string | undefined> {
  try {
    await jsm.streams.deleteMessage(stream, NO_SEQUENCE, false);
    return undefined;
  } catch (error) {
    if (!isApiError(error, DELETE_FAILED)) throw error;
    const { message } = toError(error);
    return NOTHING_THERE.test(message) ? undefined : message;
  }
}
