/**
 * Believable visitor traffic for `sojourn up --demo`: project `demo`, a handful of visitors at a
 * time, 5 to 10 events a second. While NATS is away the visitors wait.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../platform/log.ts';
import type { Nats } from '../platform/nats.ts';
import { DEMO_PROJECT } from './settings.ts';
import { payloadOf, type Person, planVisit, type Random, type VisitStep } from './visit.ts';
import { eventSubject } from '../operations/event-subject.ts';

export interface DemoDeps {
  readonly nats: Pick<Nats, 'js'>;
  readonly log: Logger;
  readonly now: () => number;
  readonly random: Random;
  /** Who has been here before. */
  readonly known?: readonly Person[];
}

export interface DemoFigures {
  sessions: number;
  /** Messages that JetStream has acknowledged. */
  messages: number;
  copies: number;
  broken: number;
}

export interface Demo {
  readonly figures: Readonly<DemoFigures>;
  /** Lets what is on its way arrive, and sends no more. */
  stop(): Promise<void>;
}

const VISITORS = 10;
/** So many people are remembered. */
export const KNOWN_MAX = 200;
const BETWEEN_VISITS_MS_MAX = 3_000;
const ACK_TIMEOUT_MS = 5_000;
const RETRY_MS = 1_000;

export function startDemo({ nats, log, now, random, known = [] }: DemoDeps): Demo {
  const figures: DemoFigures = { sessions: 0, messages: 0, copies: 0, broken: 0 };
  const people = known.slice(-KNOWN_MAX);
  const stopping = new AbortController();
  const { signal } = stopping;
  const pause = (ms: number) => sleep(ms, undefined, { signal });
  let away = false;

  async function publish(payload: string, messageId: string): Promise<void> {
    const data = new TextEncoder().encode(payload);
    const subject = eventSubject(DEMO_PROJECT, data);
    for (;;) {
      try {
        // The same id at every attempt: what arrived after all is not counted again.
        await nats.js.publish(subject, data, { msgID: messageId, timeout: ACK_TIMEOUT_MS });
        if (away) log.info('demo traffic goes on');
        away = false;
        figures.messages += 1;
        return;
      } catch (error) {
        if (signal.aborted) throw error;
        if (!away) log.warn({ err: error }, 'demo traffic is not taken, trying again');
        away = true;
        await pause(RETRY_MS);
      }
    }
  }

  async function send(step: VisitStep, sessionId: string, number: number): Promise<void> {
    const eventId = `${sessionId}-${number}`;
    const payload = payloadOf(step, { sessionId, eventId, now: now() });
    await publish(payload, eventId);
    if (step.broken !== undefined) figures.broken += 1;
    if (step.copied === undefined) return;
    await publish(payload, step.copied === 'message' ? eventId : `${eventId}-again`);
    figures.copies += 1;
  }

  async function visit(): Promise<void> {
    const { steps, person } = planVisit(random, people);
    const sessionId = `${now().toString(36)}-${Math.floor(random() * 36 ** 4).toString(36)}`;
    figures.sessions += 1;
    for (const [number, step] of steps.entries()) {
      await pause(step.pauseMs);
      await send(step, sessionId, number);
    }
    if (person === undefined) return;
    const before = people.findIndex(({ visitorId }) => visitorId === person.visitorId);
    if (before === -1) people.push(person);
    else people[before] = person;
    if (people.length > KNOWN_MAX) people.shift();
  }

  async function visitor(): Promise<void> {
    while (!signal.aborted) {
      await pause(random() * BETWEEN_VISITS_MS_MAX);
      await visit();
    }
  }

  const visitors = Array.from({ length: VISITORS }, () =>
    visitor().catch((error: unknown) => {
      // A pause that the stop has cut short is no failure.
      if (!signal.aborted) log.error({ err: error }, 'a demo visitor gave up');
    }),
  );
  return {
    figures,
    async stop() {
      stopping.abort();
      await Promise.all(visitors);
      log.debug({ ...figures }, 'demo traffic stopped');
    },
  };
}
