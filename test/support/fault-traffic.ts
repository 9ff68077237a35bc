/**
 * What producers send in one round of a fault run: sessions of every sort, and every sort of trouble
 * that producers make. All of it follows from the seed.
 */
import { chance, intBetween, pick, type Random, shuffled } from './random.ts';
import type { ReferenceEvent } from './reference.ts';

/** One publish. Published again with the same id for as long as it is not acknowledged. */
export interface Message {
  readonly atMs: number;
  readonly payload: object;
  readonly messageId: string;
}

export interface Traffic {
  readonly messages: readonly Message[];
  /** Every event in them, repeated ones too. */
  readonly events: readonly ReferenceEvent[];
  readonly sessionIds: ReadonlySet<string>;
}

export interface TrafficShape {
  readonly sessions: number;
  /** How long producers publish. */
  readonly durationMs: number;
}

interface Planned {
  readonly event: ReferenceEvent;
  readonly atMs: number;
}

/** Around midnight at the turn of a month, so that buckets of all sizes meet. */
const BORDER = Date.UTC(2026, 2, 1);
const ARRAY_SHARE = 0.25;
const REPEATED_SHARE = 0.15;
const ID_IN_HEADER_SHARE = 0.2;

export function makeTraffic(random: Random, project: string, shape: TrafficShape): Traffic {
  const planned = Array.from({ length: shape.sessions }, (_, n) =>
    makeVisit(random, project, n, shape.durationMs),
  ).flat();
  const messages = inMessages(random, project, planned);
  return {
    messages: [...messages, ...repeated(random, messages, shape.durationMs)].sort(
      (a, b) => a.atMs - b.atMs,
    ),
    events: planned.map(({ event }) => event),
    sessionIds: new Set(planned.map(({ event }) => event.sessionId)),
  };
}

/** One session: short or long, with or without an end, perhaps with events after it. */
function makeVisit(random: Random, project: string, number: number, durationMs: number): Planned[] {
  const sessionId = `s${number}${number % 7 === 0 ? '/ü ☃' : ''}`;
  const isLong = chance(random, 0.3);
  const count = isLong ? intBetween(random, 10, 40) : intBetween(random, 1, 6);
  const beginsAt = intBetween(random, 0, isLong ? durationMs / 3 : durationMs);
  const lastsMs = isLong ? durationMs - beginsAt : intBetween(random, 0, 800);
  const firstEventAt = BORDER + intBetween(random, -50 * 60_000, 10 * 60_000);
  const login = chance(random, 0.6) ? intBetween(random, 0, count - 1) : count;
  const userId = `u${intBetween(random, 1, 9)}`;

  const make = (n: number, atMs: number, eventType: string): Planned => ({
    atMs,
    event: {
      project,
      sessionId,
      // JetStream knows message ids across projects.
      eventId: `${project}-${number}-${n}`,
      eventType,
      timestamp: firstEventAt + intBetween(random, 0, 25 * 60_000),
      ...(n >= login && { userId }),
      properties: makeProperties(random, eventType),
    },
  });
  const visit = Array.from({ length: count }, (_, n) =>
    make(n, beginsAt + (lastsMs * n) / count, makeType(random)),
  );
  if (chance(random, 0.5)) {
    const endAt = beginsAt + lastsMs;
    visit.push(make(count, endAt, 'session_end'));
    const late = chance(random, 0.5) ? intBetween(random, 1, 3) : 0;
    for (let n = 1; n <= late; n += 1) {
      visit.push(make(count + n, endAt + intBetween(random, 50, 5_000), makeType(random)));
    }
  }
  return visit;
}

function makeType(random: Random): string {
  return pick(random, [
    ...['pageview', 'pageView', 'page_view', 'pageview', 'pageview'],
    ...['purchase', 'conversion', 'click', 'video play', 'session_start'],
  ]);
}

function makeProperties(random: Random, eventType: string): Record<string, string | number> {
  const some = (name: string, share: number, values: readonly string[]) =>
    chance(random, share) ? { [name]: pick(random, values) } : {};
  const sells = eventType === 'purchase' || eventType === 'conversion';
  return {
    ...some('path', 0.8, ['/', '/a', '/b?x=1\t2', '/ü']),
    ...some('trafficSource', 0.4, ['google', 'direct', 'mail']),
    ...some('deviceType', 0.4, ['mobile', 'desktop']),
    ...some('country', 0.4, ['DE', 'FR']),
    ...some('browser', 0.3, ['firefox', 'chrome']),
    ...some('os', 0.3, ['linux']),
    ...(sells && {
      ...some('revenue', 0.8, ['19.99', '-19.99', '0.1', '0', '0.000000001', '-0.000000001']),
      ...(chance(random, 0.1) && { revenue: '123456789012345678.123456789' }),
      ...some('currency', 0.7, ['EUR', 'USD']),
      ...some('conversionType', 0.5, ['signup', 'trial']),
    }),
  };
}

/** Some alone, some with the id in the header only, some in arrays with events of other sessions. */
function inMessages(random: Random, project: string, planned: readonly Planned[]): Message[] {
  const alone: Planned[] = [];
  const together: Planned[] = [];
  for (const one of planned) (chance(random, ARRAY_SHARE) ? together : alone).push(one);
  const messages = alone.map(({ event, atMs }): Message => {
    const { eventId, ...rest } = asSent(event);
    return chance(random, ID_IN_HEADER_SHARE)
      ? { atMs, payload: rest, messageId: eventId }
      : { atMs, payload: { eventId, ...rest }, messageId: `${eventId}/alone` };
  });
  const inOrder = [...together].sort((a, b) => a.atMs - b.atMs);
  for (let start = 0; start < inOrder.length;) {
    const group = inOrder.slice(start, (start += intBetween(random, 1, 12)));
    messages.push({
      atMs: group.at(-1)?.atMs ?? 0,
      payload: group.map(({ event }) => asSent(event)),
      messageId: `${project}/array/${start}`,
    });
  }
  return messages;
}

/** The same once more: under the same id, which JetStream may still know, or under another one. */
function repeated(random: Random, messages: readonly Message[], durationMs: number): Message[] {
  return shuffled(random, messages)
    .slice(0, messages.length * REPEATED_SHARE)
    .map((message) => {
      const atMs = Math.min(message.atMs + intBetween(random, 0, 6_000), durationMs + 6_000);
      const hasIds = Array.isArray(message.payload) || 'eventId' in message.payload;
      const renamed = hasIds && chance(random, 0.7);
      return { ...message, atMs, messageId: message.messageId + (renamed ? '/again' : '') };
    });
}

function asSent({ project: _project, ...event }: ReferenceEvent): Omit<ReferenceEvent, 'project'> {
  return event;
}
