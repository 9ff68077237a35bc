import { expect } from 'chai';
import {
  payloadOf,
  type Person,
  planVisit,
  seededRandom,
  type VisitStep,
} from '../../demo/visit.ts';
import { startDemo } from '../../demo/demo.ts';
import { eventSubject } from '../../operations/event-subject.ts';
import { silentLog } from '../../platform/log.ts';
import type { Nats } from '../../platform/nats.ts';
import { parseMessage } from '../../workers/ingest/parse-event.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');

/** Many visits of the same random numbers, each visitor known to the next. */
function visits(count: number, seed = 7) {
  const random = seededRandom(seed);
  const people: Person[] = [];
  return Array.from({ length: count }, () => {
    const visit = planVisit(random, people);
    if (visit.person?.userId !== undefined) people.push(visit.person);
    return visit;
  });
}

function parse(step: VisitStep, sessionId = 's', eventId = 'e') {
  const data = new TextEncoder().encode(payloadOf(step, { sessionId, eventId, now: NOW }));
  return parseMessage({ subject: eventSubject('demo', data), data, seq: 1, receivedAt: NOW });
}

const good = visits(2_000).map(({ steps }) => steps.filter((step) => step.broken === undefined));
const kindsOf = (steps: readonly VisitStep[]) =>
  steps.map((step) => parse(step).events[0]?.event.type);
const share = (found: readonly unknown[]) => found.length / good.length;

describe('a visit of the demo', () => {
  it('has events that keep the rules, but for those that are broken on purpose', () => {
    for (const { steps } of visits(500)) {
      for (const step of steps) {
        const { events, deadLetters } = parse(step);
        expect(events).to.have.length(step.broken === undefined ? 1 : 0);
        expect(deadLetters).to.have.length(step.broken === undefined ? 0 : 1);
      }
    }
  });

  it('is the same for the same random numbers', () => {
    expect(visits(20, 3)).to.deep.equal(visits(20, 3));
    expect(visits(20, 3)).to.not.deep.equal(visits(20, 4));
  });

  it('has 1 to 16 page views and pauses of at most 5 s', () => {
    for (const steps of good) {
      const views = kindsOf(steps).filter((type) => type === 'pageview');
      expect(views.length).to.be.within(1, 16);
      for (const { pauseMs } of steps) expect(pauseMs).to.be.within(0, 5_000);
    }
  });

  it('bounces, buys, refunds, signs up, comes back and leaves without a word, each at times', () => {
    const kinds = good.map(kindsOf);
    const has = (type: string) => kinds.filter((types) => types.includes(type));
    const bounces = kinds.filter(
      (types) => types.filter((type) => type === 'pageview').length === 1,
    );
    const refunds = good.filter((steps) =>
      steps.some((step) => parse(step).events[0]?.event.revenue?.startsWith('-')),
    );
    const late = good.filter((steps) => steps.some(({ lateMs }) => lateMs !== undefined));
    const copies = good.filter((steps) => steps.some(({ copied }) => copied !== undefined));

    expect(share(bounces)).to.be.within(0.3, 0.45);
    expect(share(has('session_end'))).to.be.within(0.6, 0.75);
    expect(share(has('purchase'))).to.be.within(0.1, 0.5);
    expect(share(has('conversion'))).to.be.within(0.03, 0.15);
    expect(share(has('add_to_cart'))).to.be.greaterThan(0.2);
    for (const rare of [refunds, late, copies]) expect(share(rare)).to.be.within(0.005, 0.3);
  });

  it('has users who come back', () => {
    const users = visits(500).flatMap(({ person }) => person?.userId ?? []);

    expect(new Set(users).size).to.be.lessThan(users.length);
  });

  it('tells by its addresses and its agent where the visitor comes from, and with what', () => {
    const landings = good.map((steps) =>
      steps.map((step) => parse(step).events[0]?.event).find((event) => event?.type === 'pageview'),
    );
    const valuesOf = (name: 'channel' | 'deviceType' | 'browser' | 'visitorId') =>
      new Set(landings.map((event) => event?.[name]));

    expect([...valuesOf('channel')]).to.have.members([
      undefined,
      'Organic Search',
      'Paid Search',
      'Email',
      'Organic Social',
      'Organic Video',
      'Referral',
      'AI Assistants',
    ]);
    expect([...valuesOf('deviceType')]).to.include.members(['desktop', 'mobile', 'tablet']);
    expect([...valuesOf('browser')]).to.include.members(['Chrome', 'Safari', 'Firefox', 'Edge']);
    expect(valuesOf('visitorId').size).to.be.greaterThan(1_000);
    expect(share(landings.filter((event) => event?.bot === 'true'))).to.be.within(0.02, 0.06);
  });

  it('logs in half-way at times', () => {
    const halfWay = good.filter((steps) => {
      const known = steps.map((step) => parse(step).events[0]?.event.userId !== undefined);
      return known[0] === false && known.at(-1) === true;
    });

    expect(share(halfWay)).to.be.greaterThan(0.05);
  });
});

describe('demo traffic', () => {
  it('goes on after NATS was away, and stops', async () => {
    const published: string[] = [];
    let failures = 1;
    const js = {
      publish(subject: string) {
        if (failures-- > 0) return Promise.reject(new Error('away'));
        published.push(subject);
        return Promise.resolve({});
      },
    };
    let random = seededRandom(1);
    const demo = startDemo({
      nats: { js } as unknown as Pick<Nats, 'js'>,
      log: silentLog,
      now: Date.now,
      // Nobody hesitates before the first visit.
      random: () => random() * 0.3,
    });
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    random = () => 0.5;
    await demo.stop();

    const count = published.length;
    expect(count).to.be.greaterThan(0);
    expect(demo.figures.messages).to.equal(count);
    for (const subject of published) expect(subject).to.match(/^events\.demo\.\w+$/);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(published).to.have.length(count);
  });
});
