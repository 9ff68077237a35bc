/** The process as its operator meets it: wrong settings, signals at any moment, nothing left behind. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { cacheDir, parseEnvFile, processEnvironment } from '../../platform/config.ts';
import { freePorts, SERVER_NAMES } from '../../servers/index.ts';
import { eventually } from '../support/eventually.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { ANY_PORTS, environmentOf, sojournProcess, untilLoaded } from '../support/pipeline.ts';
import { randomOf } from '../support/random.ts';
import { temporaryFolder, useServers } from '../support/servers.ts';

const COMMAND = fileURLToPath(new URL('../../bin/sojourn.mjs', import.meta.url));

describe('a process', function () {
  // A whole `up` from its sources, beside three other files: seconds on a machine alone.
  this.timeout(300_000);
  // Everything is obtained by then, so that starts below take seconds.
  const servers = useServers();

  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });

  it('names every wrong setting in one error', async () => {
    const { code, stderr } = await sojournProcess(['up', '--data-dir', temporaryFolder()], {
      NATS_URL: 'http://nowhere',
      TEMPORAL_ADDRESS: 'nowhere',
      CLICKHOUSE_URL: 'tcp://x:9000',
      REDIS_URL: 'localhost:6379',
      SESSION_IDLE_TIMEOUT: 'half an hour',
      SESSION_CHECKPOINT: '0s',
      LATE_GRACE: '10',
      LATE_WINDOW: '-1h',
      NATS_TLS_CA: '/does/not/exist',
      NATS_PASSWORD: 'secret-word',
    });

    expect(code).to.equal(1);
    for (const name of [
      'NATS_URL',
      'TEMPORAL_ADDRESS',
      'CLICKHOUSE_URL',
      'REDIS_URL',
      'SESSION_IDLE_TIMEOUT',
      'SESSION_CHECKPOINT',
      'LATE_GRACE',
      'LATE_WINDOW',
      'NATS_TLS_CA',
    ]) {
      expect(stderr).to.contain(name);
    }
    expect(stderr).not.to.contain('secret-word');
    expect(stderr.trim().split('\n')).to.have.length(1);
  });

  it('says what to do where nothing is configured', async () => {
    const { code, stderr } = await sojournProcess(['ingest', '--data-dir', temporaryFolder()], {});

    expect(code).to.equal(1);
    expect(stderr).to.contain('NATS_URL').and.to.contain('npx sojourn up');
  });

  it('names the server that does not answer at its start', async () => {
    const [port] = await freePorts(1);
    const everything = environmentOf(servers());
    const away = {
      ingest: [{ NATS_URL: `nats://127.0.0.1:${port}` }, /NATS does not answer at nats:/],
      worker: [{ TEMPORAL_ADDRESS: `127.0.0.1:${port}` }, /Temporal does not answer at 127/],
      migrate: [
        { CLICKHOUSE_URL: `http://127.0.0.1:${port}` },
        /ClickHouse does not answer at http/,
      ],
    } as const;
    await Promise.all(
      Object.entries(away).map(async ([command, [change, sentence]]) => {
        const words = [command, '--data-dir', temporaryFolder()];
        const { code, stderr } = await sojournProcess(words, { ...everything, ...change });
        expect(code, command).to.equal(1);
        expect(stderr, command).to.match(sentence);
      }),
    );
  });

  it('gets over a connection that falls silent while it starts', async () => {
    const target = new URL(servers().clickhouse.url);
    const proxy = await startFaultProxy(Number(target.port), randomOf(1));
    target.port = String(proxy.port);
    proxy.set('halfOpen');
    try {
      const migrated = sojournProcess(['migrate', '--data-dir', temporaryFolder()], {
        ...environmentOf(servers()),
        CLICKHOUSE_URL: target.href,
      });
      await eventually(
        () => {
          expect(proxy.hits.halfOpen).to.be.above(0);
        },
        { withinMs: 90_000 },
      );
      proxy.set('pass');

      const { code, stderr } = await migrated;
      expect(code, stderr).to.equal(0);
    } finally {
      await proxy.close();
    }
  });

  it('leaves a private file with everything it runs, and takes empty settings for none', async () => {
    const up = await startUp({ NATS_URL: '', CLICKHOUSE_URL: '', CLICKHOUSE_BI_PASSWORD: '' });
    await up.running();

    const file = join(up.dataDir, 'env');
    const variables = parseEnvFile(readFileSync(file, 'utf8'));
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(variables).to.include.all.keys(
      'NATS_URL',
      'TEMPORAL_ADDRESS',
      'TEMPORAL_UI_URL',
      'CLICKHOUSE_URL',
      'CLICKHOUSE_BI_USER',
      'CLICKHOUSE_BI_PASSWORD',
      'REDIS_URL',
      'DASHBOARD_URL',
      'HEALTH_URL',
      'COLLECT_URL',
    );

    up.signal('SIGTERM');
    expect(await up.exited).to.equal(0);
    expect(leftBehind(up.dataDir)).to.deep.equal([]);
  });

  // Moments of a start and of a life: before anything runs, in the middle, and when all is up.
  for (const afterMs of [150, 900, 1_800, 2_700, 3_600, 6_000]) {
    it(`interrupted after ${afterMs} ms, leaves no process behind`, async () => {
      const up = await startUp();
      await new Promise((resolve) => setTimeout(resolve, afterMs));

      up.signal('SIGINT');

      await up.exited;
      await eventually(
        () => {
          expect(leftBehind(up.dataDir)).to.deep.equal([]);
        },
        { withinMs: 60_000 },
      );
    });
  }

  it('starts its servers again where they end, and goes on', async function () {
    // What it waits for may take as long as its own bounds say.
    this.timeout(600_000);
    const up = await startUp();
    await up.running();
    const env = parseEnvFile(readFileSync(join(up.dataDir, 'env'), 'utf8'));
    const run = async (words: readonly string[], input = '') => {
      const { code, stderr } = await sojournProcess(
        [...words, '--data-dir', up.dataDir],
        env,
        input,
      );
      expect(code, stderr).to.equal(0);
    };
    const view = (type: string) =>
      JSON.stringify({ sessionId: 'kept', eventType: type, timestamp: Date.now() });
    await run(['publish', '-', '--project', 'kept'], view('pageview'));

    const killed = SERVER_NAMES.map((name) => pidOf(up, name));
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    await eventually(
      () => {
        const pids = SERVER_NAMES.map((name) => pidOf(up, name));
        expect(pids.filter((pid) => killed.includes(pid))).to.deep.equal([]);
      },
      { withinMs: 60_000 },
    );
    await run(['publish', '-', '--project', 'kept'], view('session_end'));
    await untilLoaded(env);
    const rows = await fetch(env['CLICKHOUSE_URL'] ?? '', {
      method: 'POST',
      headers: {
        'X-ClickHouse-User': env['CLICKHOUSE_BI_USER'] ?? '',
        'X-ClickHouse-Key': env['CLICKHOUSE_BI_PASSWORD'] ?? '',
      },
      body: `SELECT events, state FROM sojourn.sessions FINAL WHERE project = 'kept' FORMAT TSV`,
    });
    expect(await rows.text()).to.equal('2\tended\n');

    up.signal('SIGTERM');
    expect(await up.exited).to.equal(0);
  });

  it('killed outright, leaves no process behind either', async () => {
    const up = await startUp();
    await up.running();

    up.signal('SIGKILL');

    await up.exited;
    await eventually(
      () => {
        expect(leftBehind(up.dataDir)).to.deep.equal([]);
      },
      { withinMs: 60_000 },
    );
  });
});

/** A test that fails leaves none of them behind. */
const started: ChildProcess[] = [];

/** @param change what else is in its environment */
async function startUp(change: Readonly<Record<string, string>> = {}) {
  const dataDir = join(temporaryFolder(), 'data');
  const [nats, temporal, ui, clickhouse, redis] = await freePorts(5);
  const { PATH = '', HOME = '' } = processEnvironment();
  const args = [
    COMMAND,
    'up',
    '--data-dir',
    dataDir,
    '--nats-port',
    nats,
    '--temporal-port',
    temporal,
    '--temporal-ui-port',
    ui,
    '--clickhouse-port',
    clickhouse,
    '--redis-port',
    redis,
    ...ANY_PORTS,
  ].map(String);
  const child = spawn(process.execPath, args, {
    env: { PATH, HOME, SOJOURN_CACHE: cacheDir(processEnvironment()), ...change },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    dataDir,
    exited,
    running: () =>
      eventually(
        () => {
          expect(output).to.contain('Sojourn is running');
        },
        { withinMs: 120_000 },
      ),
    signal: (signal: NodeJS.Signals) => child.kill(signal),
  };
}

/** The process of a server of its own. */
function pidOf({ dataDir }: { readonly dataDir: string }, server: string): number {
  const file = join(dataDir, 'run', `${server}.pid`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid;
}

/** Command lines of processes that have to do with a data folder. */
function leftBehind(dataDir: string): string[] {
  if (!existsSync(dataDir)) return [];
  return execFileSync('ps', ['-eo', 'stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(dataDir) && !line.startsWith('Z'));
}
