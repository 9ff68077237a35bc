/** The visits of the past as sessions: taken in by the border, as any event. */
import type { WholeSession } from '../bulk/whole-session.ts';
import type { ProjectSettings } from '../shared/project.ts';
import { createDayTurned, type DayTurned, type Zones } from '../shared/zones/index.ts';
import { parseMessage } from '../workers/ingest/parse-event.ts';
import { messageOf, type PastPlan, type PastVisit, pastVisits } from './past.ts';
import { DEMO_PROJECT, demoSettings } from './settings.ts';

export function* pastSessions(plan: PastPlan, zones: Zones): Generator<WholeSession> {
  const settings = demoSettings(zones);
  const dayTurned = createDayTurned(zones);
  for (const visit of pastVisits(plan, zones)) {
    yield takenIn(visit, DEMO_PROJECT, settings, dayTurned);
  }
}

const encoder = new TextEncoder();

/** A visit as the border takes it in. @throws RangeError where one of its events breaks a rule */
export function takenIn(
  visit: PastVisit,
  project: string,
  settings: ProjectSettings,
  dayTurned?: DayTurned,
): WholeSession {
  const { sessionId, startsAt: receivedAt } = visit;
  const data = encoder.encode(messageOf(visit));
  const message = { subject: `events.${project}.past`, data, seq: 1, receivedAt };
  const { events, deadLetters } = parseMessage(message, () => settings, dayTurned);
  for (const { reason } of deadLetters) throw new RangeError(`an event of the past: ${reason}`);
  return { project, sessionId, events: events.map(({ event }) => event) };
}
