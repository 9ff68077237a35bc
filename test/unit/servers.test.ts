import { expect } from 'chai';
import { explainFailure } from '../../servers/clickhouse.ts';
import { identify, isAlive } from '../../servers/process-identity.ts';
import { atLeast, pipAttempts, temporalArchiveUrl } from '../../servers/recipes.ts';

describe('obtaining server programs', () => {
  it('finds the version in what a program says of itself', () => {
    expect(atLeast('nats-server: v2.15.1', '2.11.0')).to.equal(true);
    expect(atLeast('nats-server: v2.9.25', '2.11.0')).to.equal(false);
    expect(atLeast('Redis server v=6.2.14 sha=40305114:0 bits=64', '6.0.0')).to.equal(true);
    expect(atLeast('Redis server v=5.0.7 sha=0', '6.0.0')).to.equal(false);
    expect(atLeast('temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)', '1.5.1')).to.equal(true);
    expect(atLeast('ClickHouse local version 26.7.2.1 (official build).', '25.1.0')).to.equal(true);
  });

  it('takes a build from source, which calls itself 0.0.0-DEV', () => {
    expect(atLeast('temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)', '1.0.0')).to.equal(
      true,
    );
  });

  it('does not take what names no version', () => {
    expect(atLeast('command not understood', '1.0.0')).to.equal(false);
    expect(atLeast('', '1.0.0')).to.equal(false);
  });

  it("asks for the vendor's archive of this platform", () => {
    expect(temporalArchiveUrl('linux', 'x64')).to.match(/\?platform=linux&arch=amd64$/);
    expect(temporalArchiveUrl('darwin', 'arm64')).to.match(/\?platform=darwin&arch=arm64$/);
  });

  it('asks pip plainly, and then as another Python where the wheels are for one each', () => {
    const once = pipAttempts('requirements.txt', '/folder', undefined);
    const twice = pipAttempts('requirements.txt', '/folder', '3.11');

    expect(once).to.have.length(1);
    expect(twice).to.have.length(2);
    expect(twice[0]).to.deep.equal(once[0]);
    expect(twice[1]?.join(' ')).to.include('--python-version 3.11 --abi cp311');
    for (const args of [...once, ...twice]) {
      expect(args).to.include.members(['--no-deps', '--only-binary=:all:', '--require-hashes']);
    }
  });
});

describe('a failed start of ClickHouse', () => {
  const explain = (lines: string) => explainFailure(lines, '/data', 8123, 9000);

  it('is explained by what its error number means', () => {
    expect(explain('Code: 76. DB::Exception: Cannot lock file /data/status.')).to.match(
      /^the data folder \/data is in use .*--data-dir$/,
    );
    expect(explain('Code: 210. DB::NetException: Listen [127.0.0.1]:8123 failed')).to.match(
      /port 8123 or 9000 is in use; choose another with --clickhouse-port N$/,
    );
    expect(explain("Error: Cannot find module 'chdb/package.json'")).to.match(/not installed/);
  });

  it('is left in its own words where we have no better', () => {
    expect(explain('Code: 760. Something else')).to.equal(undefined);
  });
});

describe('a process', () => {
  it('is known by more than its number', () => {
    const me = identify(process.pid);

    expect(isAlive(me)).to.equal(true);
    expect(isAlive({ ...me, startedAt: 'another time' })).to.equal(false);
  });

  it('that does not exist is not alive', () => {
    expect(isAlive({ pid: 2 ** 22 + 1, startedAt: '' })).to.equal(false);
  });
});
