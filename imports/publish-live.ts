/**
 * Sessions that may still get events go the way of all live ones: their events are published, each under an id of its own
 * that is the same at every attempt, and waited for until NATS has acknowledged them.
 */
import { eventSubject } from '../operations/event-subject.ts';
import type { Publisher } from '../operations/publisher.ts';
import { declaredAs, type VisitorEvent } from '../shared/event.ts';
import type { ProjectSettings } from '../shared/project.ts';
import { decodeEvents, decodeRaw, type SessionBytes } from './run-file.ts';
import type { StillLoading } from './still-loading.ts';

export interface LiveTarget {
  readonly project: string;
  readonly settings: ProjectSettings;
  /** Asked before each message: none goes out for an import that was taken back while this process stood still. */
  readonly stillLoading: StillLoading;
}

/** @throws what the publisher and `stillLoading` throw; safe to repeat, for sessions count an event once */
export async function publishLive(
  publisher: Publisher,
  sessions: readonly SessionBytes[],
  target: LiveTarget,
): Promise<void> {
  const acknowledged: Promise<unknown>[] = [];
  for (const session of sessions) {
    const raw = decodeRaw(session);
    for (const [n, event] of decodeEvents(session).entries()) {
      const data = dataOf(raw[n], event, session.sessionId, target);
      await publisher.room(data.length);
      await target.stillLoading();
      const message = {
        subject: eventSubject(target.project, data),
        data,
        messageId: headerId(event.id),
      };
      const published = publisher.publish(message);
      // Heard of below; one that fails must not end the process meanwhile.
      published.catch(() => undefined);
      acknowledged.push(published);
    }
  }
  await Promise.all(acknowledged);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The bytes that were in the file, where they are kept and name the session; else what the border has read of them. */
function dataOf(
  raw: Uint8Array | undefined,
  event: VisitorEvent,
  sessionId: string,
  target: LiveTarget,
): Uint8Array {
  if (raw === undefined)
    return encoder.encode(JSON.stringify(asPublished(event, sessionId, target)));
  const given = JSON.parse(decoder.decode(raw)) as { readonly sessionId?: unknown };
  if (given.sessionId === sessionId) return raw;
  // A session that was cut out of a visitor's events has its id since then.
  return encoder.encode(JSON.stringify({ ...given, sessionId }));
}

const OF_EVENT: ReadonlySet<string> = new Set([
  'id',
  'key',
  'type',
  'at',
  'seq',
  'userId',
  'visitorId',
]);

function asPublished(event: VisitorEvent, sessionId: string, { settings }: LiveTarget): object {
  const { id: eventId, type: eventType, at: timestamp, userId, visitorId } = event;
  const properties: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(event)) {
    if (OF_EVENT.has(name) || name === 'referrerHost' || name.startsWith('dim:')) continue;
    properties[name] = value;
  }
  if (event.referrerHost !== undefined) properties['referrer'] = `https://${event.referrerHost}/`;
  for (const [dimension, property] of Object.entries(settings.dimensions)) {
    const value = event[declaredAs(dimension)];
    if (value !== undefined) properties[property] = value;
  }
  return { eventId, eventType, sessionId, timestamp, userId, visitorId, properties };
}

/** What an event without an id in itself is known by. A header takes no control characters, and no long ids. */
function headerId(id: string): string {
  return /^[\x21-\x7e]{1,128}$/.test(id) ? id : Buffer.from(id).toString('base64url').slice(0, 128);
}
