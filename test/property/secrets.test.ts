/** No password is in what people and logs get to see, whatever it is made of. */
import { expect } from 'chai';
import fc from 'fast-check';
import { pino } from 'pino';
import { loadConfig } from '../../platform/config.ts';
import { ConnectionFaultError, FAULTS, type FaultKind } from '../../platform/connection-fault.ts';
import { masked, publicAddress } from '../../platform/secrets.ts';
import { unreachable } from '../../platform/unreachable.ts';
import { toError } from '../../shared/errors.ts';

/** Two words that nothing else has, around and between any signs. */
const password = fc
  .tuple(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }))
  .map(([before, between]) => `${before}qzjx${between}wvkq`);
const SIGNS_OF_IT = /qzjx|wvkq/;
const scheme = fc.constantFrom('nats', 'tls', 'redis', 'rediss', 'http', 'https');
const kind = fc.constantFrom(...(Object.keys(FAULTS) as FaultKind[]));

describe('passwords', () => {
  it('are in no address, well formed or not', () => {
    fc.assert(
      fc.property(scheme, password, (protocol, word) => {
        for (const part of [word, encodeURIComponent(word)]) {
          const shown = publicAddress(`${protocol}://user:${part}@host:1`);
          expect(shown).to.not.match(SIGNS_OF_IT);
          expect(shown).to.contain('host:1');
        }
        const two = `nats://u:${encodeURIComponent(word)}@a:1,nats://u:${encodeURIComponent(word)}@b:2`;
        expect(publicAddress(two)).to.equal('nats://a:1,nats://b:2');
      }),
    );
  });

  it('are in no sentence about a connection, nor in a log line of it', async () => {
    await fc.assert(
      fc.asyncProperty(scheme, password, kind, async (protocol, word, what) => {
        const address = `${protocol}://user:${encodeURIComponent(word)}@host:1`;
        const cause = Object.assign(new Error(`connect ${protocol}://user:${word}@host:1 failed`), {
          command: { name: 'auth', args: ['user', word] },
        });
        const fault = new ConnectionFaultError('Redis', address, what, cause);
        const away = await unreachable('NATS', address)(cause).catch(toError);
        let lines = '';
        const log = pino(
          { serializers: { err: (error: Error) => masked(pino.stdSerializers.err(error)) } },
          { write: (line: string) => void (lines += line) },
        );
        log.warn({ err: fault }, 'lost');
        log.warn({ err: away }, 'lost');
        expect(fault.message + away.message + lines).to.not.match(SIGNS_OF_IT);
        expect(lines).to.contain('host:1');
      }),
    );
  });

  it('are in no error of a wrong configuration', () => {
    fc.assert(
      fc.property(password, (word) => {
        const env = {
          NATS_URL: `wrong://user:${word}@host`,
          NATS_PASSWORD: word,
          NATS_TOKEN: word,
          TEMPORAL_API_KEY: word,
          REDIS_URL: `http://:${encodeURIComponent(word)}@host`,
          CLICKHOUSE_ADMIN_PASSWORD: word,
          LOG_LEVEL: 'none',
        };
        expect(() => loadConfig(env))
          .to.throw()
          .with.property('message')
          .that.does.not.match(SIGNS_OF_IT);
      }),
    );
  });
});
