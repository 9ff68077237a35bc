import { expect } from 'chai';
import type { PubAck } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { createPublisher, headerBytes } from '../../operations/publisher.ts';
import type { Nats } from '../../platform/nats.ts';

interface Attempt {
  readonly subject: string;
  readonly msgID: string;
}

/** JetStream that answers an attempt as the test says. */
function aJetStream(answer: (attempt: number) => Promise<PubAck> | PubAck) {
  const attempts: Attempt[] = [];
  const js = {
    async publish(subject: string, _data: Uint8Array, { msgID }: { msgID: string }) {
      attempts.push({ subject, msgID });
      return answer(attempts.length);
    },
  };
  const connection = {
    async *status() {
      await new Promise(() => undefined);
      yield { type: 'close' };
    },
  };
  return { attempts, nats: { js, connection } as unknown as Nats };
}

const ACK = { stream: 'EVENTS', seq: 1, duplicate: false } as unknown as PubAck;
const MESSAGE = { subject: 'events.a.b', data: new Uint8Array(10), messageId: 'run-1' };

describe('the publisher', () => {
  it('publishes again under the same id until there is an acknowledgement', async () => {
    const { attempts, nats } = aJetStream((attempt) => {
      if (attempt < 3) throw new errors.TimeoutError();
      return ACK;
    });

    expect(await createPublisher(nats).publish(MESSAGE)).to.equal(ACK);

    expect(attempts.map(({ msgID }) => msgID)).to.deep.equal(['run-1', 'run-1', 'run-1']);
  });

  it('does not repeat what cannot succeed', async () => {
    const { attempts, nats } = aJetStream(() => {
      throw new errors.InvalidSubjectError('x');
    });

    const error = await createPublisher(nats)
      .publish(MESSAGE)
      .catch((e: unknown) => e);

    expect(error).to.be.instanceOf(errors.InvalidSubjectError);
    expect(attempts).to.have.length(1);
  });

  it('gives up, for all messages at once, when nothing is acknowledged for half a minute', async () => {
    let now = 0;
    const { nats } = aJetStream(() => {
      now += 20_000;
      throw new errors.TimeoutError();
    });
    const publisher = createPublisher(nats, () => now);

    const results = await Promise.allSettled([
      publisher.publish(MESSAGE),
      publisher.publish({ ...MESSAGE, messageId: 'run-2' }),
    ]);

    for (const result of results) {
      expect(result).to.have.property('status', 'rejected');
      expect(String((result as PromiseRejectedResult).reason)).to.match(/nothing for 30 s/);
    }
  });

  it('has room again when what is under way is acknowledged', async () => {
    let release = () => {};
    const held = new Promise<PubAck>((resolve) => {
      release = () => {
        resolve(ACK);
      };
    });
    const { nats } = aJetStream(() => held);
    const publisher = createPublisher(nats);
    const large = { ...MESSAGE, data: new Uint8Array(17 * 1024 * 1024) };

    await publisher.room(large.data.length);
    const published = publisher.publish(large);
    let room = false;
    const waiting = publisher.room(1).then(() => {
      room = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(room, 'while it is under way').to.be.false;

    release();
    await Promise.all([published, waiting, publisher.idle()]);
    expect(publisher.underWay).to.equal(0);
  });

  it('knows what headers take of a message', () => {
    expect(headerBytes({ 'Nats-Msg-Id': 'ab' })).to.equal(
      'NATS/1.0\r\nNats-Msg-Id: ab\r\n\r\n'.length,
    );
  });
});
