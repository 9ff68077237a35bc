/** Sessions that may have taken events lately, by the stream EVENTS: it knows without asking each. */
import type { JetStreamClient } from '@nats-io/jetstream';
import { readRange } from '../platform/stream-range.ts';
import { EVENTS_STREAM, parseEventSubject, sessionWorkflowId } from '../shared/ids.ts';

/** The longest that an open session keeps what it has taken to itself, and what a delivery takes. */
const STRETCH_MS = 90_000;

/** Workflow ids of the sessions with an event stored in the last stretch, up to a sequence. */
export async function recentSessions(
  js: JetStreamClient,
  to: number,
  now = Date.now(),
): Promise<string[]> {
  const ids = new Set<string>();
  const since = new Date(now - STRETCH_MS);
  for await (const { subject, data } of readRange(js, { stream: EVENTS_STREAM, since, to })) {
    for (const id of sessionsOf(subject, data)) ids.add(id);
  }
  return [...ids];
}

/** The sessions that a message names; none where it breaks the rules, which makes it a dead letter. */
export function sessionsOf(subject: string, data: Uint8Array): string[] {
  const project = parseEventSubject(subject)?.project;
  const value = parse(data);
  if (project === undefined || value === undefined) return [];
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value];
  return elements.flatMap((element) => {
    const id = (element as { readonly sessionId?: unknown } | null)?.sessionId;
    return typeof id === 'string' && id !== '' ? [sessionWorkflowId(project, id)] : [];
  });
}

function parse(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch {
    return undefined;
  }
}
