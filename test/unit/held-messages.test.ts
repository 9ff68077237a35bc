import { expect } from 'chai';
import { OVERTAKEN_MAX } from '../../shared/limits.ts';
import { type Held, holdMessages } from '../../workers/ingest/held-messages.ts';

/** Messages held, and what JetStream is told of them, as `<reply> <word>`. */
function aHolder() {
  const told: string[] = [];
  const held = holdMessages({
    publish: (reply, word) => told.push(`${reply} ${Buffer.from(word).toString().slice(0, 4)}`),
    isInDoubt: () => false,
    now: () => 0,
  });
  const add = (fields: Partial<Held>): Held => {
    const entry = {
      ...{ seq: 7, receivedAt: 7, bytes: 1, open: 1 },
      ...{ reply: undefined, heardOfAt: 0, isUnkept: false },
      ...fields,
    };
    held.add(entry);
    return entry;
  };
  return { held, told, add };
}

describe('messages that were delivered out of turn', () => {
  it('are remembered until their turn comes, the last so many of them', () => {
    const held = holdMessages({ publish: () => {}, isInDoubt: () => false, now: () => 0 });
    const settle = (seq: number) => {
      const entry = { seq, receivedAt: seq, reply: undefined, heardOfAt: 0, open: 1 };
      held.add(entry as unknown as Parameters<typeof held.add>[0]);
      held.settlePart(entry as unknown as Parameters<typeof held.settlePart>[0]);
    };
    for (let seq = 1; seq <= OVERTAKEN_MAX + 1; seq += 1) settle(seq);

    expect(held.isOvertaken(1, 1)).to.equal(false);
    expect(held.takeOvertaken(2, 2)).to.equal(true);
    expect(held.takeOvertaken(2, 2)).to.equal(false);
    expect(held.isOvertaken(OVERTAKEN_MAX + 1, OVERTAKEN_MAX + 1)).to.equal(true);
    held.close();
  });

  it('are taken once more in their turn where a part was left out', () => {
    const { held, told, add } = aHolder();

    held.settlePart(add({ overtakes: true, isUnkept: true }));

    expect(held.find(7, 7)).to.equal(undefined);
    expect(held.isOvertaken(7, 7)).to.equal(false);
    expect(held.takeOvertaken(7, 7)).to.equal(false);
    expect(told).to.deep.equal([]);
    held.close();
  });

  it('are offered again where a part was left out, and their turn came while they were held', () => {
    const { held, told, add } = aHolder();
    const entry = add({ overtakes: true, isUnkept: true });

    entry.reply = 'r';
    held.settlePart(entry);
    held.close();

    expect(told).to.deep.equal(['r -NAK']);
  });
});

describe('messages that are set aside, for they may lie elsewhere now', () => {
  it('are acknowledged when they are offered again, but for those of which a letter is not kept', () => {
    const { held, add } = aHolder();
    const whole = add({ seq: 1, receivedAt: 1, reply: 'a' });
    const unkept = add({ seq: 2, receivedAt: 2, reply: 'b', isUnkept: true });

    held.setAside();
    held.settlePart(whole);
    held.settlePart(unkept);

    expect(held.takeOvertaken(1, 1)).to.equal(true);
    expect(held.takeOvertaken(2, 2)).to.equal(false);
    held.close();
  });
});
