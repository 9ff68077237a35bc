/** The same traffic as checked events, and as the records that sessions hand over. */
import { randomUUID } from 'node:crypto';
import { openActor, type RecognizedUser, type SessionSettings } from '../shared/actor.ts';
import { nextStep } from '../shared/next-step.ts';
import { askedOf, rollupFor, writeRequest } from '../shared/write.ts';
import type { VisitorEvent } from '../shared/event.ts';
import type { Rollup } from '../shared/rollup.ts';
import { parseMessage } from '../workers/ingest/parse-event.ts';
import { benchEvent } from './traffic.ts';

const SETTINGS: SessionSettings = {
  idleTimeoutMs: 1_800_000,
  checkpointMs: 60_000,
  lateGraceMs: 10_000,
};

const encoder = new TextEncoder();

/** The events of one session, as ingest reads them. */
export function visitorEvents(session: number, events: number, at: number): VisitorEvent[] {
  return Array.from({ length: events }, (_, n) => {
    const { events: read, deadLetters } = parseMessage({
      subject: 'events.bench.bench',
      data: encoder.encode(JSON.stringify(benchEvent(session, n, events, at))),
      seq: session * events + n + 1,
      receivedAt: at,
    });
    const [first] = read;
    if (first === undefined) throw new Error(deadLetters[0]?.reason);
    return first.event;
  });
}

/** What a session hands over that has got all its events at once and ended. */
export function rollupOf(project: string, session: number, events: number, at: number): Rollup {
  const now = Date.now();
  const input = {
    project,
    sessionId: `s-${session}`,
    settings: SETTINGS,
    batch: { events: visitorEvents(session, events, at), ackFloor: 0 },
  };
  const actor = openActor(input, randomUUID(), now);
  const step = nextStep(actor, now);
  if (step.do !== 'write') throw new Error(`a session that has ended would ${step.do}`);
  const request = writeRequest(actor, step, now);
  const { userId } = askedOf(request);
  const user: RecognizedUser | undefined =
    userId === undefined ? undefined : { userId, isNew: session < 500 };
  return rollupFor(request, user);
}
