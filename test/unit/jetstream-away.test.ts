import { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import { errors, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { expect } from 'chai';
import {
  askThroughElections,
  isJetStreamAway,
  onceJetStreamAnswers,
} from '../../platform/jetstream-away.ts';

/** A connection that answers requests so. */
function connectionThat(request: () => Promise<Msg>): NatsConnection {
  return { options: { inboxPrefix: '_INBOX' }, request } as unknown as NatsConnection;
}

const nobody = () =>
  Promise.reject(new errors.RequestError('', { cause: new errors.NoRespondersError('x') }));

/** What the client makes of a request that nobody answers. */
async function nobodyAnswers(prepare: (nc: NatsConnection) => void = () => {}): Promise<Error> {
  const nc = connectionThat(nobody);
  prepare(nc);
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  return jsm.streams.info('EVENTS').then(
    () => expect.fail('answered'),
    (error: unknown) => error as Error,
  );
}

describe('JetStream that does not answer', () => {
  it('is known by what the client calls "not enabled"', async () => {
    const error = await nobodyAnswers();

    expect(error.message).to.equal('jetstream is not enabled');
    expect(isJetStreamAway(error)).to.equal(true);
  });

  it('is called so, and not "not enabled", on our connections', async () => {
    const error = await nobodyAnswers(askThroughElections);

    expect(error.message).to.match(/^nobody in NATS answers on \$JS\.API\.STREAM\.INFO\.EVENTS: /);
    expect(error.message).to.contain('electing a leader').and.not.contain('not enabled');
    expect(isJetStreamAway(error)).to.equal(true);
  });

  it('is what says that it has no leader, not what refuses', () => {
    const answer = (code: number) =>
      new JetStreamApiError({ code: 503, err_code: code, description: 'no' });

    expect(isJetStreamAway(answer(10_008))).to.equal(true);
    expect(isJetStreamAway(answer(10_059))).to.equal(false);
  });

  it('is asked again while it is silent, but told nothing twice', async () => {
    let requests = 0;
    const nc = connectionThat(() => {
      requests += 1;
      return requests === 1 ? new Promise(() => {}) : Promise.resolve({ subject: 'x' } as Msg);
    });
    askThroughElections(nc);

    const asked = await nc.request('$JS.API.CONSUMER.INFO.EVENTS.ingest', '', { timeout: 5_000 });
    const told = nc.request('rollups.0.x.1', '', { timeout: 5_000 });

    expect(asked.subject).to.equal('x');
    await told;
    expect(requests).to.equal(3);
  });

  it('is asked again until it does', async () => {
    const error = await nobodyAnswers();
    let tries = 0;
    const answer = await onceJetStreamAnswers(() => {
      tries += 1;
      return tries < 3 ? Promise.reject(error) : Promise.resolve('here');
    });

    expect([answer, tries]).to.deep.equal(['here', 3]);
  });

  it('is not asked again where it has refused', async () => {
    let tries = 0;
    const refused = await onceJetStreamAnswers(() => {
      tries += 1;
      return Promise.reject(new Error('no'));
    }).catch((error: unknown) => String(error));

    expect([refused, tries]).to.deep.equal(['Error: no', 1]);
  });
});
