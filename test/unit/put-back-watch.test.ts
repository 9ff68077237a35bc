import { expect } from 'chai';
import type { LinkChange } from '../../platform/nats-link.ts';
import { type SeenMessage, watchPutBack } from '../../workers/ingest/put-back-watch.ts';

/** Lets what was begun go on. */
const aMoment = () => new Promise((resolve) => setImmediate(resolve));

/** A connection that says what happens to it, and a stream with one message, whose answers wait to be given. */
function watched(newest: SeenMessage | undefined) {
  const said: string[] = [];
  const queue: LinkChange['type'][] = [];
  let wake = () => {};
  const state = { newest, lies: new Map<number, number>(), lastSeq: 0, isAway: false };
  async function* link() {
    for (;;) {
      for (let type = queue.shift(); type !== undefined; type = queue.shift()) yield { type };
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const watch = watchPutBack({
    link: link(),
    lastSeq: () =>
      state.isAway ? Promise.reject(new Error('away')) : Promise.resolve(state.lastSeq),
    receivedAt: (seq) =>
      state.isAway ? Promise.reject(new Error('away')) : Promise.resolve(state.lies.get(seq)),
    newest: () => state.newest,
    onPutBack: () => said.push('put back'),
    onKnown: () => said.push('known'),
    onUnknown: () => said.push('unknown'),
  });
  const happens = async (...types: LinkChange['type'][]) => {
    queue.push(...types);
    wake();
    await aMoment();
    await aMoment();
  };
  return { watch, said, state, happens };
}

const NEWEST: SeenMessage = { seq: 51, receivedAt: 7_051 };

describe('ingest whose connection was away', () => {
  it('is in doubt until it is back and the newest message lies where it lay', async () => {
    const { watch, said, state, happens } = watched(NEWEST);
    state.lies.set(51, 7_051);

    await happens('disconnect');
    expect(watch.isInDoubt).to.equal(true);
    await happens('reconnect');

    expect(watch.isInDoubt).to.equal(false);
    expect(said).to.deep.equal(['known']);
  });

  it('does not take the stream for put back where only that message was removed', async () => {
    const { watch, said, state, happens } = watched(NEWEST);
    state.lastSeq = 51;

    await happens('disconnect', 'reconnect');

    expect(said).to.deep.equal(['known']);
    expect(watch.isInDoubt).to.equal(false);
  });

  for (const [what, receivedAt, lastSeq] of [
    ['another message lies there', 9_000, 60],
    ['none lies there, for it never got that far', undefined, 50],
  ] as const) {
    it(`takes the stream for put back where ${what}`, async () => {
      const { said, state, happens } = watched(NEWEST);
      if (receivedAt !== undefined) state.lies.set(51, receivedAt);
      state.lastSeq = lastSeq;

      await happens('disconnect', 'reconnect');

      expect(said).to.deep.equal(['put back', 'known']);
    });
  }

  it('asks about what it had taken before, not about what it has taken since', async () => {
    const { said, state, happens } = watched(NEWEST);
    await happens('disconnect');
    state.newest = { seq: 51, receivedAt: 9_000 };
    state.lies.set(51, 9_000);

    await happens('reconnect');

    expect(said).to.deep.equal(['put back', 'known']);
  });

  it('asks again where the stream does not answer, and not for a connection of before', async () => {
    const { watch, said, state, happens } = watched(NEWEST);
    state.isAway = true;
    await happens('disconnect', 'reconnect');
    expect(said).to.deep.equal(['unknown']);
    expect(watch.isInDoubt).to.equal(true);

    await happens('disconnect');
    state.isAway = false;
    state.lies.set(51, 7_051);
    await happens('reconnect');
    await new Promise((resolve) => setTimeout(resolve, 600));

    expect(said).to.deep.equal(['unknown', 'known']);
    expect(watch.isInDoubt).to.equal(false);
  });

  it('has nothing to ask where it has taken nothing', async () => {
    const { said, happens } = watched(undefined);

    await happens('disconnect', 'reconnect');

    expect(said).to.deep.equal(['known']);
  });
});
