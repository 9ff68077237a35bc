/** JetStream's answer to a message that it does not take for what it is: others beside it are taken. */
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';

/** "message size exceeds maximum allowed" */
const TOO_LARGE = 10_054;

/** Whether this message is refused for what it is: larger than its stream takes, or (the client's own error) its server. */
export function isMessageRefused(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.code === TOO_LARGE;
  return error instanceof errors.InvalidArgumentError;
}
