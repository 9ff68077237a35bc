import { ServiceError, type ServiceError as Thrown } from '@temporalio/client';
import { expect } from 'chai';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { ConnectionFaultError } from '../../platform/connection-fault.ts';
import { reasonOf } from '../../platform/unreachable.ts';
import { isLoginRefused, isRefused, isServerAway, unlessRefused } from '../../platform/temporal.ts';

/** As the client throws what the server answered. */
function answered(code: number, details: string): Thrown {
  const cause = Object.assign(new Error(`${code}: ${details}`), { code, details, metadata: {} });
  return new ServiceError('Failed to start Workflow', { cause });
}

describe('what Temporal answers', () => {
  const denied = answered(7, 'Request unauthorized.');
  const unknownKey = answered(16, 'unauthenticated');

  it('is about the server where it takes no login: no session can do anything about that', () => {
    for (const error of [denied, unknownKey]) {
      expect(isLoginRefused(error)).to.equal(true);
      expect(isServerAway(error)).to.equal(true);
      expect(isRefused(error)).to.equal(false);
    }
  });

  it('is about what was asked where it is something else', () => {
    const invalid = answered(3, 'BadSearchAttributes');

    expect(isLoginRefused(invalid)).to.equal(false);
    expect(isServerAway(invalid)).to.equal(false);
    expect(isRefused(invalid)).to.equal(true);
  });

  it('is what is told, and not what the client was at', () => {
    const late = answered(4, 'Deadline exceeded after 5.001s,waiting for metadata filters');

    expect(reasonOf(answered(3, 'Namespace wrong'))).to.equal('Namespace wrong');
    expect(reasonOf(late)).to.equal('no answer in time');
    expect(reasonOf(answered(14, ''))).to.equal('14: ');
  });

  it('becomes a sentence where it takes no login, and stays what it is else', () => {
    const TEMPORAL_ADDRESS = 'temporal.example:7233';
    const config = requireServers(loadConfig({ TEMPORAL_ADDRESS }), ['TEMPORAL_ADDRESS']);
    const invalid = answered(3, 'BadSearchAttributes');

    expect(() => unlessRefused(config)(denied))
      .to.throw(ConnectionFaultError, /^Temporal at temporal.example:7233: it refuses the login; /)
      .with.property('cause', denied);
    expect(() => unlessRefused(config)(invalid))
      .to.throw()
      .and.equal(invalid);
  });
});
