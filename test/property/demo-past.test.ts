/** The demo's past as a plan: the same for a seed, inside the contract, and over when the demo begins. */
import { expect } from 'chai';
import fc from 'fast-check';
import { type Chunk, chunksOf } from '../../bulk/chunks.ts';
import { foldSession, type WholeSession } from '../../bulk/whole-session.ts';
import { pastFromThread } from '../../demo/past-from-thread.ts';
import { pastSessions, takenIn } from '../../demo/past-sessions.ts';
import { messageOf, pastVisits } from '../../demo/past.ts';
import { PAST_DAYS } from '../../demo/past-days.ts';
import { demoSettings } from '../../demo/settings.ts';
import { loadZones } from '../../platform/zones.ts';

const zones = loadZones();
const settings = demoSettings(zones);
const DAY_MS = 86_400_000;
const IDLE_MS = 30 * 60_000;

const plans = fc.record({
  seed: fc.nat(),
  until: fc.integer({ min: Date.UTC(2021, 0, 1), max: Date.UTC(2031, 0, 1) }),
  days: fc.integer({ min: 1, max: 2 }),
});

describe('the past of the demo', () => {
  it('is the same for a seed and an end, and keeps the rules of the border', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const visits = [...pastVisits(plan, zones)];
        expect(Array.from(pastVisits(plan, zones), messageOf)).to.deep.equal(visits.map(messageOf));
        // Throws where the border has anything against an event.
        for (const visit of visits) {
          expect(takenIn(visit, 'demo', settings).events.length).to.be.within(1, 100);
        }
      }),
      { numRuns: 5 },
    );
  }).timeout(240_000);

  it('comes by the time of first events, and nothing of it is later than its end', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        let latest = plan.until - plan.days * DAY_MS;
        const ids = new Set<string>();
        for (const visit of pastVisits(plan, zones)) {
          const session = foldSession(takenIn(visit, 'demo', settings), {
            load: 'past',
            idleTimeoutMs: IDLE_MS,
          });
          expect(session.firstEventAt).to.be.at.least(latest);
          expect(session.endsAt).to.be.below(plan.until);
          latest = session.firstEventAt;
          ids.add(visit.sessionId);
        }
        expect(ids.size).to.equal([...pastVisits(plan, zones)].length);
        // It goes on to where the demo begins.
        expect(plan.until - latest).to.be.below(DAY_MS / 4);
      }),
      { numRuns: 5 },
    );
  }).timeout(240_000);

  it('is the same where a thread makes it, and the thread ends where nobody wants more', async () => {
    const plan = { seed: 5, until: Date.UTC(2026, 10, 28, 21, 30), days: 1 };
    const made: WholeSession[] = [];
    for await (const session of pastFromThread(plan)) made.push(session);
    expect(made).to.deep.equal([...pastSessions(plan, zones)]);

    const rest = pastFromThread(plan);
    await rest.next();
    expect(await rest.return(undefined)).to.deep.equal({ done: true, value: undefined });
  }).timeout(60_000);

  it('makes the same chunks each time, however large they are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 100 }),
        async (sizes, sessionsMax, eventsMax) => {
          const sessions = sizes.map((size, n) => ({
            project: 'p',
            sessionId: `s-${n}`,
            events: Array.from({ length: size }, (_, i) => ({
              id: `${i}`,
              type: 'pageview',
              at: n,
              seq: 1,
            })),
          }));
          const chunks: Chunk[] = [];
          for await (const chunk of chunksOf(sessions, { sessionsMax, eventsMax })) {
            chunks.push(chunk);
          }

          expect(chunks.flatMap((chunk) => chunk.sessions)).to.deep.equal(sessions);
          expect(chunks.map(({ number }) => number)).to.deep.equal(chunks.map((_, n) => n + 1));
          for (const { sessions: some } of chunks) {
            expect(some.length).to.be.within(1, sessionsMax);
            const events = some.reduce((sum, session) => sum + session.events.length, 0);
            expect(events <= eventsMax || some.length === 1).to.equal(true);
          }
        },
      ),
    );
  });
});

describe('two months of it', () => {
  // A Saturday, five weeks after Europe's clocks were set back.
  const until = Date.UTC(2026, 10, 28, 21, 30);
  const visits = [...pastVisits({ seed: 7, until, days: PAST_DAYS }, zones)];
  const daysAgo = (at: number) => Math.floor((until - at - 1) / DAY_MS);
  const onDay = (day: number) => visits.filter(({ startsAt }) => daysAgo(startsAt) === day);
  const isBot = ({ person }: (typeof visits)[number]) => person === undefined;
  const people = (day: number) => onDay(day).filter((visit) => !isBot(visit));
  const share = (day: number, has: string) =>
    people(day).filter((visit) => messageOf(visit).includes(has)).length / people(day).length;

  it('have 300 to 1,300 visits of people on each day, more of them later, fewer at weekends', () => {
    const counts = Array.from({ length: PAST_DAYS - 1 }, (_, day) => people(day).length);
    const mean = (days: readonly number[]) =>
      days.reduce((sum, day) => sum + (counts[day] ?? 0), 0) / days.length;
    for (const count of counts) expect(count).to.be.within(300, 1_300);
    expect(mean([0, 1, 2, 3, 4, 5, 6])).to.be.above(1.4 * mean([52, 53, 54, 55, 56, 57, 58]));
    // 28 November is a Saturday, day 0 reaches back into it.
    expect(mean([7, 8])).to.be.below(0.9 * mean([9, 10, 11]));
  });

  it('have a launch, a bot wave, refunds, a sale and letters in their time', () => {
    expect(people(22).length).to.be.above(1.4 * people(23).length);
    expect(share(22, 'new-lamp')).to.be.above(0.2);
    expect(share(23, 'new-lamp')).to.equal(0);
    expect(share(23, '/products/desk-lamp')).to.equal(0);
    expect(onDay(32).filter(isBot).length + onDay(33).filter(isBot).length).to.be.above(500);
    expect(onDay(40).filter(isBot).length).to.be.below(60);
    expect(share(15, '/account/returns')).to.be.above(2 * share(30, '/account/returns'));
    expect(share(5, 'long-weekend')).to.be.above(0.1);
    expect(share(38, 'autumn-paper')).to.be.above(1.5 * share(40, 'autumn-paper'));
  });

  it('have people of many zones, by their own clocks, who pay in their money, and come again', () => {
    const text = visits.map(messageOf).join('\n');
    for (const currency of ['EUR', 'USD', 'GBP', 'JPY', 'BRL', 'INR']) {
      expect(text).to.contain(`"currency":"${currency}"`);
    }
    const busiestHour = (zone: string) => {
      const hours = new Map<number, number>();
      for (const { startsAt, person } of visits) {
        if (person?.home.zone !== zone) continue;
        const hour = new Date(startsAt + zones.offsetAt(zone, startsAt) * 1_000).getUTCHours();
        hours.set(hour, (hours.get(hour) ?? 0) + 1);
      }
      return [...hours].sort(([, a], [, b]) => b - a)[0]?.[0];
    };
    for (const zone of ['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'America/Sao_Paulo']) {
      expect(busiestHour(zone), zone).to.be.within(11, 22);
    }
    const comings = new Map<string, number>();
    for (const { person } of visits) {
      if (person !== undefined)
        comings.set(person.visitorId, (comings.get(person.visitorId) ?? 0) + 1);
    }
    const again = [...comings.values()].filter((count) => count > 1).length;
    expect(again / comings.size).to.be.within(0.1, 0.5);
  });
});
