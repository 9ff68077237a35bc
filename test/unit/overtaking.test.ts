import { expect } from 'chai';
import { OVERTAKING_PER_PROJECT_MAX } from '../../shared/limits.ts';
import {
  createOvertaking,
  heldBeside,
  type Place,
  takenAhead,
} from '../../workers/ingest/overtaking.ts';
import { parseMessage } from '../../workers/ingest/parse-event.ts';

const LONG = { pending: 10_000, stalledMs: 0 };

/** A stream of messages by project, and an ingest that holds what it is given until told otherwise. */
class FakeStream {
  place: Place = { seq: 0, ...LONG };
  readonly messages = new Map<string, number[]>();
  readonly taken: string[] = [];
  readonly heldByQueue = new Map<string, number>();
  readonly heldAhead = new Map<string, number>();
  ahead: string[] = [];
  reads = 0;
  room = Infinity;
  /** Up to here it is known whether messages are within their quota. */
  judgedTo = Infinity;
  private seq = 0;

  publish(project: string, count = 1): void {
    const seqs = this.messages.get(project) ?? [];
    for (let n = 0; n < count; n += 1) seqs.push((this.seq += 1));
    this.messages.set(project, seqs);
  }

  readonly overtaking = createOvertaking({
    countByProject: () =>
      Promise.resolve(
        new Map([...this.messages].map(([project, { length }]) => [project, length])),
      ),
    read: (project, fromSeq, count) => {
      this.reads += 1;
      const found = (this.messages.get(project) ?? []).filter((seq) => seq >= fromSeq);
      return Promise.resolve(found.slice(0, count).map((seq) => ({ seq, project })));
    },
    place: () => this.place,
    held: (project) => {
      const ahead = this.heldAhead.get(project) ?? 0;
      return { all: (this.heldByQueue.get(project) ?? 0) + ahead, ahead };
    },
    hasRoom: () => this.taken.length < this.room,
    take: ({ seq, project }: { readonly seq: number; readonly project: string }) => {
      if (seq > this.judgedTo) return false;
      this.taken.push(`${project}${seq}`);
      this.heldAhead.set(project, (this.heldAhead.get(project) ?? 0) + 1);
      return true;
    },
    setAhead: (projects) => {
      this.ahead = [...projects].sort();
    },
  });
}

function aLongQueueOf(project: string): FakeStream {
  const stream = new FakeStream();
  stream.publish(project, 1_000);
  stream.heldByQueue.set(project, 100);
  stream.place = { seq: 300, ...LONG };
  return stream;
}

describe('overtaking', () => {
  it('brings what others have behind a long queue, each message once', async () => {
    const stream = aLongQueueOf('a');
    stream.publish('b', 2);
    stream.publish('c');

    await stream.overtaking.look();
    await stream.overtaking.look();
    expect([stream.taken.sort(), stream.ahead]).to.deep.equal([
      ['b1001', 'b1002', 'c1003'],
      ['b', 'c'],
    ]);

    stream.publish('b');
    await stream.overtaking.look();
    expect(stream.taken).to.include('b1004').and.to.have.length(4);
  });

  it('asks nobody where there is no queue, or a short one that goes on', async () => {
    const stream = aLongQueueOf('a');
    stream.publish('b');
    for (const [queued, stalledMs] of [
      [0, 0],
      [499, 400],
    ] as const) {
      stream.place = { seq: 300, pending: queued, stalledMs };
      await stream.overtaking.look();
    }
    expect([stream.reads, stream.taken]).to.deep.equal([0, []]);

    stream.place = { seq: 300, pending: 0, stalledMs: 500 };
    await stream.overtaking.look();
    expect(stream.taken).to.deep.equal(['b1001']);
  });

  it('asks again of a project only when its messages have become others', async () => {
    const stream = aLongQueueOf('a');
    stream.publish('b');
    await stream.overtaking.look();
    const { reads } = stream;

    for (let n = 0; n < 10; n += 1) await stream.overtaking.look();

    expect(stream.reads).to.equal(reads);
  });

  it('overtakes the queue of a project itself only where it stands still', async () => {
    const stream = aLongQueueOf('a');
    stream.place = { seq: 300, pending: 700, stalledMs: 999 };
    await stream.overtaking.look();
    expect(stream.taken).to.deep.equal([]);

    stream.place = { seq: 300, pending: 700, stalledMs: 1_000 };
    await stream.overtaking.look();

    expect(stream.taken).to.have.length(OVERTAKING_PER_PROJECT_MAX);
    expect(stream.taken[0]).to.equal('a301');
    expect(stream.ahead).to.deep.equal([]);
  });

  it('gives each project its share, and goes on where it left off', async () => {
    const stream = aLongQueueOf('a');
    stream.publish('b', 2_000);
    stream.publish('c', 3);
    await stream.overtaking.look();
    const of = (project: string) => stream.taken.filter((taken) => taken.startsWith(project));
    expect([of('b').length, of('c').length]).to.deep.equal([OVERTAKING_PER_PROJECT_MAX, 3]);
    expect(stream.ahead).to.deep.equal(['c']);

    stream.heldAhead.set('b', OVERTAKING_PER_PROJECT_MAX - 10);
    await stream.overtaking.look();

    expect(of('b').at(-1)).to.equal(`b${1_000 + OVERTAKING_PER_PROJECT_MAX + 10}`);
    expect(new Set(stream.taken).size).to.equal(stream.taken.length);
  });

  it('takes no more than there is room for, and begins at the consumer’s place', async () => {
    const stream = aLongQueueOf('a');
    stream.publish('b', 600);
    stream.place = { seq: 1_100, ...LONG };
    stream.room = 256;

    await stream.overtaking.look();

    expect([stream.taken.length, stream.taken[0], stream.ahead]).to.deep.equal([256, 'b1101', []]);
  });

  it('comes back to what could not be judged by its quota yet, and to all after it', async () => {
    const stream = aLongQueueOf('a');
    stream.publish('b', 3);
    stream.publish('c');
    stream.judgedTo = 1_001;
    await stream.overtaking.look();
    expect([stream.taken.sort(), stream.ahead]).to.deep.equal([['b1001'], []]);

    stream.judgedTo = 1_003;
    await stream.overtaking.look();
    expect([stream.taken, stream.ahead]).to.deep.equal([['b1001', 'b1002', 'b1003'], ['b']]);

    stream.judgedTo = Infinity;
    await stream.overtaking.look();

    expect(stream.taken).to.deep.equal(['b1001', 'b1002', 'b1003', 'c1004']);
    expect(stream.ahead).to.deep.equal(['b', 'c']);
  });

  it('reads no more of a project in a look that has come to what is not judged', async () => {
    const stream = aLongQueueOf('a');
    stream.publish('b', 600);
    stream.judgedTo = 1_100;

    await stream.overtaking.look();
    expect([stream.taken.length, stream.reads]).to.deep.equal([100, 1]);

    stream.judgedTo = Infinity;
    await stream.overtaking.look();

    expect(stream.taken.slice(0, 101).at(-1)).to.equal('b1101');
    expect(new Set(stream.taken).size).to.equal(OVERTAKING_PER_PROJECT_MAX);
  });

  it('lets go of those ahead once the queue is short', async () => {
    const stream = aLongQueueOf('a');
    stream.publish('b');
    await stream.overtaking.look();
    expect(stream.ahead).to.deep.equal(['b']);

    stream.place = { seq: 1_000, pending: 1, stalledMs: 0 };
    await stream.overtaking.look();

    expect(stream.ahead).to.deep.equal([]);
  });

  it('looks again in a later queue, though as many messages are there as in the one before', async () => {
    const stream = aLongQueueOf('big');
    stream.publish('small', 2);
    await stream.overtaking.look();
    expect(stream.taken).to.deep.equal(['small1001', 'small1002']);

    stream.place = { seq: 1_002, pending: 0, stalledMs: 0 };
    await stream.overtaking.look();
    // The first is as old as the stream keeps any, and another one came.
    stream.messages.set('small', [1_002, 2_003]);
    stream.heldAhead.clear();
    stream.place = { seq: 1_100, ...LONG };
    await stream.overtaking.look();

    expect(stream.taken).to.deep.equal(['small1001', 'small1002', 'small2003']);
  });
});

describe('a project with sessions that fail', () => {
  const room = OVERTAKING_PER_PROJECT_MAX;

  it('is not served by what waits for them', () => {
    const held = { all: 1_002, ahead: 0 };

    expect(heldBeside(held, { all: 0, ahead: 0 })).to.deep.equal(held);
    expect(heldBeside(held, { all: 1_000, ahead: 0 })).to.deep.equal({ all: 2, ahead: 0 });
  });

  it('overtakes beside what overtook for them, up to another share', () => {
    const beside = (ahead: number, failing: number) =>
      heldBeside({ all: ahead + 3, ahead }, { all: failing, ahead: failing });

    expect(beside(room, room - 1)).to.deep.equal({ all: 4, ahead: 1 });
    expect(beside(2 * room, 2 * room)).to.deep.equal({ all: room + 3, ahead: room });
  });
});

describe('of a message that overtakes', () => {
  const event = (sessionId: unknown) => ({
    eventType: 'x',
    sessionId,
    timestamp: 1_772_359_200_000,
  });
  const taken = (payload: unknown, ...left: readonly string[]) => {
    const data = Buffer.from(JSON.stringify(payload));
    const message = { subject: 'events.b.x', data, seq: 7, receivedAt: 1_772_359_200_000 };
    const { events, isPart } = takenAhead(parseMessage(message), ({ sessionId }) =>
      left.includes(sessionId),
    );
    return [events.map(({ sessionId }) => sessionId).join(' '), isPart];
  };

  it('all is taken where nothing is to be said against it', () => {
    expect(taken([event('s'), event('t')], 'u')).to.deep.equal(['s t', false]);
  });

  it('the good events are taken beside a bad one, and beside those that are left to the consumer', () => {
    expect(taken([event('s'), event(5), event('t')])).to.deep.equal(['s t', true]);
    expect(taken([event('s'), event('t'), event('t')], 't')).to.deep.equal(['s', true]);
    expect(taken(event('t'), 't')).to.deep.equal(['', true]);
    expect(taken([event(5)])).to.deep.equal(['', true]);
  });
});
