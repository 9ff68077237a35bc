import { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import { expect } from 'chai';
import { isJetStreamAway, onceJetStreamAnswers } from '../../platform/jetstream-away.ts';

/** What the client makes of a request that nobody answers. */
async function nobodyAnswers(): Promise<Error> {
  const { errors } = await import('@nats-io/nats-core/internal');
  const nc = {
    options: { inboxPrefix: '_INBOX' },
    request: () =>
      Promise.reject(new errors.RequestError('', { cause: new errors.NoRespondersError('x') })),
  };
  const jsm = await jetstreamManager(nc as never, { checkAPI: false });
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

  it('is not what refuses', () => {
    const refusal = { code: 10_059, err_code: 10_059, description: 'stream not found' };
    expect(isJetStreamAway(new JetStreamApiError(refusal))).to.equal(false);
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
