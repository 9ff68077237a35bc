import { Writable } from 'node:stream';
import { expect } from 'chai';
import { pino } from 'pino';
import { loadConfig } from '../../platform/config.ts';
import { masked, publicAddress, withoutCredentials } from '../../platform/secrets.ts';
import { connectionFault } from '../../platform/unreachable.ts';
import { toError } from '../../shared/errors.ts';

describe('secrets', () => {
  it('do not stay in URLs, whatever a password is made of', () => {
    for (const url of [
      'redis://:hidden@h:1/0',
      'redis://:hid/den@h:1',
      'nats://user:hid@den@h:1',
      'https://user:hidden%40@h:1/?a=b',
      'dial nats://user:hidden@h:1: refused',
      "redis://:hid'den@h:1",
      'redis://:hid,den@h:1',
      'dial redis://:hid den@h:1: refused',
    ]) {
      expect(withoutCredentials(url)).to.not.match(/hid|den/);
      expect(withoutCredentials(url)).to.contain('h:1');
    }
  });

  it('go, and what else a text says of other servers stays', () => {
    expect(
      withoutCredentials('nats://u:hidden@a:1,nats://u:hidden@b:2 or redis://:p@c:3'),
    ).to.equal('nats://a:1,nats://b:2 or redis://c:3');
    expect(withoutCredentials('nats://a:1 is away\nask me@h')).to.equal(
      'nats://a:1 is away\nask me@h',
    );
  });

  it('do not stay in addresses that are no URLs', () => {
    expect(publicAddress('user:hidden@host:4222')).to.equal('host:4222');
    expect(publicAddress('//user:hidden@host')).to.equal('//host');
    expect(publicAddress('user:hid,x:den@host:4222')).to.equal('host:4222');
  });

  it('do not stay in the error of a wrong configuration', () => {
    const wrong = {
      REDIS_URL: 'http://:hidden@h',
      NATS_URL: 'user:hidden@h:4222',
      CLICKHOUSE_URL: 'ftp://u:hid/den@h',
      NATS_NKEY: 'SUhidden',
    };
    let message = '';
    try {
      loadConfig(wrong);
    } catch (error) {
      message = toError(error).message;
    }

    expect(message).to.contain('REDIS_URL').and.contain('NATS_URL').and.contain('CLICKHOUSE_URL');
    expect(message).to.not.match(/hid|den/);
  });

  it('may hold a comma, and it is looked for what is wrong all the same', async () => {
    const address = 'redis://:hid,den@127.0.0.1:1';
    const fault = await connectionFault('Redis', address, new Error('closed'), { tls: {} });
    expect(fault).to.equal(undefined);
  });

  it('do not stay in what a client hangs onto its errors', () => {
    const error = Object.assign(new Error('WRONGPASS invalid pair, redis://:hidden@h:1'), {
      command: { name: 'auth', args: ['hidden'] },
      previousErrors: [new Error('hidden')],
    });
    let line = '';
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        line += chunk.toString();
        done();
      },
    });
    pino({ serializers: { err: (e: Error) => masked(pino.stdSerializers.err(e)) } }, sink).warn(
      { err: error },
      'redis connection lost',
    );

    expect(line).to.contain('WRONGPASS').and.contain('redis://h:1');
    expect(line).to.not.contain('hidden');
  });
});
