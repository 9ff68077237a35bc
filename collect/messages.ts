/** Events of a request as messages to NATS: one event as it is, several as arrays that are well within every limit. */
import { subjectToken } from '../operations/event-subject.ts';
import { EVENTS_PER_MESSAGE_MAX } from '../shared/limits.ts';

/** An event as JSON, and its type for the subject. */
export interface OutgoingEvent {
  readonly json: string | Buffer;
  readonly eventType: unknown;
}

export interface OutgoingMessage {
  readonly subject: string;
  readonly data: Buffer;
}

/** Less than half of what a message may have: NATS servers with their default limits take it too. */
export const MESSAGE_EVENT_BYTES = 480 * 1024;

/** @param project whose events these are */
export function messagesOf(
  project: string,
  events: readonly OutgoingEvent[],
): readonly OutgoingMessage[] {
  const [first] = events;
  if (first !== undefined && events.length === 1) {
    const { eventType } = first;
    const token = typeof eventType === 'string' ? subjectToken(eventType) : '_';
    return [{ subject: `events.${project}.${token}`, data: asBuffer(first.json) }];
  }
  const messages: OutgoingMessage[] = [];
  let parts: Buffer[] = [];
  let bytes = 0;
  const flush = () => {
    if (parts.length === 0) return;
    messages.push({ subject: `events.${project}._`, data: arrayOf(parts) });
    parts = [];
    bytes = 0;
  };
  for (const { json } of events) {
    const part = asBuffer(json);
    const isFull =
      parts.length === EVENTS_PER_MESSAGE_MAX || bytes + part.length > MESSAGE_EVENT_BYTES;
    if (isFull) flush();
    parts.push(part);
    bytes += part.length + 1;
  }
  flush();
  return messages;
}

const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');

function arrayOf(parts: readonly Buffer[]): Buffer {
  return Buffer.concat([
    OPEN,
    ...parts.flatMap((part, index) => (index === 0 ? [part] : [COMMA, part])),
    CLOSE,
  ]);
}

function asBuffer(json: string | Buffer): Buffer {
  return typeof json === 'string' ? Buffer.from(json) : json;
}
