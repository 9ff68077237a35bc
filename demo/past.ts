/**
 * The visits of the weeks before the demo, as a plan: no clock and no I/O, the same ones for the same seed and end. They
 * come by the time of their first events, hour after hour, and none reaches beyond the end.
 */
import type { Zones } from '../shared/zones/index.ts';
import { botWave, PAST_DAYS, pastDay, shareOfHour } from './past-days.ts';
import {
  HOMES,
  payloadOf,
  type Person,
  planVisit,
  type Random,
  seededRandom,
  type Situation,
  type VisitStep,
} from './visit.ts';

export interface PastPlan {
  readonly seed: number;
  /** Where the demo begins, epoch milliseconds. */
  readonly until: number;
  readonly days: number;
}

export interface PastVisit {
  readonly sessionId: string;
  /** Epoch milliseconds. */
  readonly startsAt: number;
  readonly steps: readonly PastStep[];
  readonly person: Person | undefined;
}

interface PastStep {
  /** When it is sent, epoch milliseconds. */
  readonly sentAt: number;
  readonly step: VisitStep;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A visit of the demo is in quick motion; those of the past took their time. */
const PACE = { least: 3, most: 14 } as const;
/** Whoever comes so shortly before the end says goodbye: nobody is left open. */
const LAST_MS = 2 * HOUR_MS;
const RETURNING = 0.32;
/** People of one country who may come again; the longest gone are forgotten. */
const KNOWN_MAX = 3_000;

const HOMES_SUM = HOMES.reduce((sum, [, weight]) => sum + weight, 0);

export function* pastVisits({ seed, until, days }: PastPlan, zones: Zones): Generator<PastVisit> {
  const random = seededRandom(seed);
  const known = new Map(HOMES.map(([{ country }]) => [country, [] as Person[]]));
  const begin = Math.floor((until - days * DAY_MS) / HOUR_MS) * HOUR_MS + HOUR_MS;
  for (let hour = begin; hour < until; hour += HOUR_MS) {
    const visits: PastVisit[] = [];
    const daysAgo = Math.min(PAST_DAYS - 1, Math.floor((until - hour - 1) / DAY_MS));
    const { sessions, situation } = pastDay(daysAgo);
    for (const [home, weight] of HOMES) {
      const local = new Date(hour + zones.offsetAt(home.zone, hour) * 1_000);
      const people = known.get(home.country) ?? [];
      const expected = ((sessions * weight) / HOMES_SUM) * shareOfHour(local);
      for (let left = poisson(random, expected); left > 0; left -= 1) {
        const person = random() < RETURNING ? pickRecent(random, people) : undefined;
        const visit = visitIn(hour, { ...situation, home, person: person ?? null });
        if (visit === undefined) continue;
        visits.push(visit);
        remember(people, person, visit.person);
      }
    }
    const { agent: crawler, hourly } = botWave(daysAgo, new Date(hour).getUTCHours());
    for (let left = hourly; left > 0; left -= 1) {
      const visit = visitIn(hour, { ...situation, crawler });
      if (visit !== undefined) visits.push(visit);
    }
    yield* visits.sort((a, b) => a.startsAt - b.startsAt || (a.sessionId < b.sessionId ? -1 : 1));
  }

  /** @returns undefined where it would reach beyond the end */
  function visitIn(hour: number, situation: Situation): PastVisit | undefined {
    const startsAt = hour + Math.floor(random() * HOUR_MS);
    const saysGoodbye = startsAt > until - LAST_MS ? { saysGoodbye: 1 } : {};
    const shares = { ...situation.shares, ...saysGoodbye };
    const { steps, person } = planVisit(random, [], { ...situation, shares });
    const pace = PACE.least + (PACE.most - PACE.least) * random();
    const number = Math.floor(random() * 36 ** 4).toString(36);
    let sentAt = startsAt;
    const sent = steps.map((step, index) => {
      // It begins with its first event.
      if (index > 0) sentAt += Math.ceil(step.pauseMs * pace);
      return { sentAt, step };
    });
    if (sentAt >= until) return undefined;
    return { sessionId: `${startsAt.toString(36)}-${number}`, startsAt, steps: sent, person };
  }
}

/** The bytes of all events of a visit, as one message. Copies are in it as often as they were sent. */
export function messageOf({ sessionId, steps }: PastVisit): string {
  const payloads = steps.flatMap(({ sentAt, step }, index) => {
    const payload = payloadOf(step, { sessionId, eventId: `${sessionId}-${index}`, now: sentAt });
    return step.copied === undefined ? [payload] : [payload, payload];
  });
  return `[${payloads.join(',')}]`;
}

function remember(people: Person[], before: Person | undefined, now: Person | undefined): void {
  if (now === undefined) return;
  const at = before === undefined ? -1 : people.indexOf(before);
  if (at === -1) people.push(now);
  else people[at] = now;
  if (people.length > KNOWN_MAX) people.shift();
}

/** Whoever was there lately comes sooner. */
function pickRecent(random: Random, people: readonly Person[]): Person | undefined {
  return people[Math.floor(Math.sqrt(random()) * people.length)];
}

/** How many come, where so many are expected (Knuth). */
function poisson(random: Random, expected: number): number {
  const least = Math.exp(-expected);
  let count = 0;
  for (let product = random(); product > least; product *= random()) count += 1;
  return count;
}
