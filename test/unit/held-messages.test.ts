import { expect } from 'chai';
import { OVERTAKEN_MAX } from '../../shared/limits.ts';
import { holdMessages } from '../../workers/ingest/held-messages.ts';

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
});
