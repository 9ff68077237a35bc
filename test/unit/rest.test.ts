import { expect } from 'chai';
import { createGather } from '../../workers/ingest/gather.ts';
import { restAfter } from '../../workers/ingest/rest.ts';
import { anEvent } from '../support/builders.ts';

const SESSION = { project: 'shop', sessionId: 's' };

describe('a session after a delivery', () => {
  it('does not rest where the delivery was a small one', () => {
    expect(restAfter({ sizes: [400, 400, 400, 400, 400] })).to.equal(0);
  });

  it('rests the longer, the larger it was: it takes about a MiB a second', () => {
    expect(restAfter({ sizes: Array.from({ length: 500 }, () => 512) })).to.equal(125);
    expect(restAfter({ sizes: Array.from({ length: 500 }, () => 1_024) })).to.equal(250);
  });

  it('waits, with what has come meanwhile, until it has rested', () => {
    const gather = createGather({ promptMs: 1, middleMs: 1, pauseMs: () => 0 });
    const add = (id: string) => {
      gather.add(
        SESSION,
        anEvent({ id }),
        { seq: Number(id), receivedAt: 0, bytes: 1, open: 1 },
        0,
      );
    };
    add('1');
    const first = gather.take(1_000);
    if (first === undefined) throw new Error('nothing was due');
    add('2');

    gather.done(first, 1_000, true);
    expect(gather.events).to.equal(1);
    expect(gather.take(2_000)).to.equal(undefined);
    add('3');

    gather.rested(first, 1_000);
    expect(gather.take(2_000)?.events.map(({ id }) => id)).to.deep.equal(['2', '3']);
  });
});
