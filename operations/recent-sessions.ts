/** Sessions that may have taken events lately, by the stream EVENTS: it knows without asking each. */
import type { JetStreamClient } from '@nats-io/jetstream';
import { readRange } from '../platform/stream-range.ts';
import { EVENTS_STREAM, parseEventSubject, sessionWorkflowId } from '../shared/ids.ts';

/** Events of EVENTS. */
export interface Stored {
  /** When the first of them was stored, epoch milliseconds. */
  readonly since: number;
  /** Last sequence. */
  readonly to: number;
}

/** Workflow ids of the sessions with an event among them. */
export async function recentSessions(
  js: JetStreamClient,
  { since, to }: Stored,
): Promise<string[]> {
  const ids = new Set<string>();
  const range = { stream: EVENTS_STREAM, since: new Date(Math.max(0, since)), to };
  for await (const { subject, data } of readRange(js, range)) {
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
