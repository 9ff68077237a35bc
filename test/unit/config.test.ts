import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  addressesOf,
  cacheDir,
  loadConfig,
  parseEnvFile,
  requireReader,
  requireServers,
  withEnvFile,
} from '../../platform/config.ts';
import { parseDuration } from '../../platform/duration.ts';
import { SojournError } from '../../shared/errors.ts';

function faultOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(error).to.be.instanceOf(SojournError).with.property('code', 'SJ_CONFIG');
    return (error as Error).message;
  }
  throw new Error('nothing was wrong');
}

describe('the configuration', () => {
  it('has the defaults of the contract', () => {
    expect(loadConfig({})).to.include({
      TEMPORAL_NAMESPACE: 'default',
      SESSION_IDLE_TIMEOUT: 30 * 60_000,
      SESSION_CHECKPOINT: 5_000,
      SESSION_STUCK_AFTER: 900_000,
      LATE_GRACE: 10_000,
      LATE_WINDOW: 72 * 3_600_000,
      DIMENSION_VALUES_MAX: 10_000,
      IMPORT_CHUNK_SESSIONS: 10_000,
    });
  });

  it('takes whole numbers as counts, within what is sensible', () => {
    expect(loadConfig({ DIMENSION_VALUES_MAX: '250' }).DIMENSION_VALUES_MAX).to.equal(250);
    for (const wrong of ['0', '-1', '1.5', '1e3', 'many', '100001', ' 5']) {
      expect(
        faultOf(() => loadConfig({ DIMENSION_VALUES_MAX: wrong })),
        wrong,
      )
        .to.contain('DIMENSION_VALUES_MAX')
        .and.contain('from 1 to 100000');
    }
  });

  it('takes sizes, or no limit, for what EVENTS may hold', () => {
    expect(loadConfig({})).not.to.have.property('EVENTS_MAX_BYTES');
    expect(loadConfig({ EVENTS_MAX_BYTES: '30GB' }).EVENTS_MAX_BYTES).to.equal(30e9);
    expect(loadConfig({ EVENTS_MAX_BYTES: 'unlimited' }).EVENTS_MAX_BYTES).to.equal(-1);
    for (const wrong of ['1MB', '0', '-1', 'much', '30G']) {
      expect(
        faultOf(() => loadConfig({ EVENTS_MAX_BYTES: wrong })),
        wrong,
      )
        .to.contain('EVENTS_MAX_BYTES')
        .and.contain('16MiB');
    }
  });

  it('wants a worker that may only insert to have a login that reads', () => {
    const writer = { CLICKHOUSE_WRITER_PASSWORD: 'hidden' };
    const message = faultOf(() => {
      requireReader(loadConfig(writer));
    });

    expect(message).to.contain('CLICKHOUSE_BI_PASSWORD').and.not.to.contain('hidden');
    for (const enough of [{}, { ...writer, CLICKHOUSE_BI_PASSWORD: 'too' }]) {
      expect(() => {
        requireReader(loadConfig(enough));
      }).to.not.throw();
    }
  });

  it('reads durations as people write them, and off where there may be none', () => {
    expect(['30m', '10s', '500ms', '1h', '2d', '1.5s'].map(parseDuration)).to.deep.equal([
      1_800_000, 10_000, 500, 3_600_000, 172_800_000, 1_500,
    ]);
    for (const text of ['', '10', 's', '10 minutes', '-1s', '1e3s', '10S']) {
      expect(parseDuration(text), text).to.equal(undefined);
    }
    expect(['1.1h', '4.1m', '8.2h', '0.3s', '2.30d'].map(parseDuration)).to.deep.equal([
      3_960_000, 246_000, 29_520_000, 300, 198_720_000,
    ]);
    for (const text of ['1.5ms', '0.0001s', '1.00001m', `${2 ** 53}ms`, `1${'0'.repeat(400)}d`]) {
      expect(parseDuration(text), text).to.equal(undefined);
    }
    expect(loadConfig({ SESSION_CHECKPOINT: 'off' }).SESSION_CHECKPOINT).to.equal(null);
    expect(faultOf(() => loadConfig({ LATE_GRACE: 'off' }))).to.contain('LATE_GRACE');
  });

  it('counts an empty variable as not set', () => {
    expect(loadConfig({ NATS_URL: '', SESSION_IDLE_TIMEOUT: '' })).not.to.have.property('NATS_URL');
  });

  it('names all that is wrong at once, with what it got, but never a secret', () => {
    const message = faultOf(() =>
      loadConfig({
        NATS_URL: 'x',
        REDIS_URL: 'http://h',
        LOG_LEVEL: 'loud',
        NATS_PASSWORD: 'hidden',
      }),
    );

    expect(message)
      .to.contain('NATS_URL')
      .and.contain('"x"')
      .and.contain('REDIS_URL')
      .and.contain('LOG_LEVEL');
    expect(message).not.to.contain('hidden');
    // Faults of two variables together are among them.
    expect(message).to.contain('NATS_USER and NATS_PASSWORD must be set together');
  });

  for (const [name, scheme] of [
    ['NATS_URL', 'nats'],
    ['CLICKHOUSE_URL', 'http'],
    ['REDIS_URL', 'redis'],
  ] as const) {
    it(`says how a % of a password is written in ${name}`, () => {
      const secret = 'hidden%zz';
      const message = faultOf(() => loadConfig({ [name]: `${scheme}://u:${secret}@h:1` }));

      expect(message).to.contain(`${name} must`).and.contain('%25').and.contain(`${scheme}://h:1`);
      expect(message).not.to.contain('hidden');
      const right = `${scheme}://u:${encodeURIComponent(secret)}@h:1`;
      expect(loadConfig({ [name]: right })[name]).to.equal(right);
    });
  }

  it('wants pairs to be complete', () => {
    expect(faultOf(() => loadConfig({ NATS_USER: 'u' }))).to.contain('NATS_PASSWORD');
  });

  it('takes the addresses of a ClickHouse cluster, and of nothing else', () => {
    const CLICKHOUSE_URL = 'https://a:8443, https://u:p,w@b:8443';

    expect(loadConfig({ CLICKHOUSE_URL, CLICKHOUSE_CLUSTER: 'eu-1' })).to.include({
      CLICKHOUSE_URL,
    });
    expect(addressesOf(CLICKHOUSE_URL)).to.deep.equal(['https://a:8443', 'https://u:p,w@b:8443']);
    expect(faultOf(() => loadConfig({ CLICKHOUSE_URL }))).to.contain(
      'CLICKHOUSE_CLUSTER is not set',
    );
    const mixed = { CLICKHOUSE_URL: 'http://a:8123,https://b:8443', CLICKHOUSE_CLUSTER: 'eu' };
    expect(faultOf(() => loadConfig(mixed))).to.contain('https:// in all');
    expect(faultOf(() => loadConfig({ CLICKHOUSE_URL: 'http://a:1,b:2' }))).to.contain(
      'must be a URL',
    );
    expect(faultOf(() => loadConfig({ CLICKHOUSE_CLUSTER: "e'u" }))).to.contain(
      'CLICKHOUSE_CLUSTER',
    );
  });

  it('refuses a certificate that would be ignored', () => {
    const set = { CLICKHOUSE_TLS_CA: '/dev/null', CLICKHOUSE_URL: 'http://h:8123' };

    expect(faultOf(() => loadConfig(set)))
      .to.contain('CLICKHOUSE_TLS_CA')
      .and.contain('https://');
    expect(() => loadConfig({ ...set, CLICKHOUSE_URL: 'https://h:8443' })).to.not.throw();

    const pair = { REDIS_TLS_CERT: '/dev/null', REDIS_TLS_KEY: '/dev/null' };
    expect(faultOf(() => loadConfig({ ...pair, REDIS_URL: 'redis://h' })))
      .to.contain('REDIS_TLS_CERT')
      .and.contain('rediss://');
    expect(() => loadConfig({ ...pair, REDIS_URL: 'rediss://h' })).to.not.throw();
  });

  it('names the servers that have no address, and what starts them', () => {
    const message = faultOf(() => requireServers(loadConfig({}), ['NATS_URL', 'REDIS_URL']));

    expect(message)
      .to.contain('NATS_URL, REDIS_URL')
      .and.contain('npx sojourn up')
      .and.contain('--data-dir');
  });

  it('takes from the file of `up` what the environment does not set', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-config-'));
    try {
      writeFileSync(
        join(folder, 'env'),
        '# made by up\nNATS_URL=nats://file:1\nREDIS_URL=redis://:a=b@h:1\n',
      );

      const env = withEnvFile({ NATS_URL: 'nats://mine:2', REDIS_URL: '' }, folder);

      expect(env).to.include({ NATS_URL: 'nats://mine:2', REDIS_URL: 'redis://:a=b@h:1' });
      expect(withEnvFile({ A: 'b' }, join(folder, 'nowhere'))).to.deep.equal({ A: 'b' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('reads NAME=value lines and nothing else', () => {
    expect(parseEnvFile('A=1\n\n#B=2\nC=x=y\nnonsense\n')).to.deep.equal({ A: '1', C: 'x=y' });
  });

  it('keeps server programs in a folder of the user, or where he says', () => {
    expect(cacheDir({ SOJOURN_CACHE: '/somewhere' })).to.equal('/somewhere');
    expect(cacheDir({})).to.match(/\.cache\/sojourn$/);
  });
});
