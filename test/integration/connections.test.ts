/**
 * TLS and logins of all four servers, with authorities of the tests' own: what is right connects, and what is wrong is
 * told in one sentence with the variable to set. docs/security.md has the table of it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { troublesOf } from '../../collect/troubles.ts';
import { runDashboard } from '../../dashboard/run.ts';
import { createObserver } from '../../operations/observe.ts';
import { clickHouseUnreachable, connectClickHouse } from '../../platform/clickhouse.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import {
  ConnectionFaultError,
  type FaultKind,
  FAULTS,
  REMEDIES,
  type ServerKind,
} from '../../platform/connection-fault.ts';
import { silentLog } from '../../platform/log.ts';
import { linkChanges } from '../../platform/nats-link.ts';
import { connectNats, type Nats } from '../../platform/nats.ts';
import { connectRedis } from '../../platform/redis.ts';
import { connectTemporal } from '../../platform/temporal.ts';
import { connectTemporalNative } from '../../platform/temporal-native.ts';
import { CLICKHOUSE_BI } from '../../servers/index.ts';
import { toError } from '../../shared/errors.ts';
import {
  type Authority,
  EXPIRED,
  makeAuthority,
  NOT_YET_VALID,
  type Valid,
} from '../support/authority.ts';
import { eventually } from '../support/eventually.ts';
import {
  makeJwtLogin,
  makeUserKeys,
  type SecuredNats,
  startSecuredNats,
} from '../support/secured-nats.ts';
import { temporaryFolder, useServers } from '../support/servers.ts';
import { type Door, openPlainDoor, openStrictDoor, openTlsDoor } from '../support/tls-door.ts';

type Variables = Readonly<Record<string, string>>;

/** It appears in no sentence, and in nothing that goes over a connection without TLS. */
const HIDDEN = 'hidden-word';
const RIGHT = 'right-word';

describe('connections', function () {
  this.timeout(180_000);
  const servers = useServers();
  const folder = temporaryFolder();
  const opened: (() => Promise<void>)[] = [];
  let trusted: Authority;
  let unknown: Authority;
  let client: Variables;
  let stranger: Variables;
  let expired: Variables;
  let tooNew: Variables;

  const certificateOf = (authority: Authority, name: string, valid?: Valid): Variables => {
    const { cert, key } = authority.issue(name, [`DNS:${name}`], valid);
    return { TLS_CERT: cert, TLS_KEY: key };
  };

  before('make authorities', () => {
    trusted = makeAuthority(folder, 'trusted');
    unknown = makeAuthority(folder, 'unknown');
    client = certificateOf(trusted, 'sojourn');
    stranger = certificateOf(unknown, 'stranger');
    expired = certificateOf(trusted, 'expired-client', EXPIRED);
    tooNew = certificateOf(trusted, 'new-client', NOT_YET_VALID);
  });

  after('close everything', async () => {
    await Promise.all(opened.map((close) => close()));
  });

  async function nats(config: string, onPort?: number): Promise<SecuredNats> {
    const server = await startSecuredNats(config, onPort);
    opened.push(() => server.stop());
    return server;
  }

  async function door<T extends Pick<Door, 'close'>>(opening: Promise<T>): Promise<T> {
    const made = await opening;
    opened.push(() => made.close());
    return made;
  }

  let doors = 0;
  const tlsDoor = (toPort: number, name = 'localhost', valid?: Valid) => {
    doors += 1;
    const files = trusted.issue(`door-${doors}`, [`DNS:${name}`], valid);
    return door(openTlsDoor(toPort, files, trusted));
  };
  const plainDoor = (toPort: number) => door(openPlainDoor(toPort));

  /** Certificates as variables of a server. */
  const of = (server: ServerKind, files: Variables): Variables =>
    Object.fromEntries(
      Object.entries(files).map(([name, file]) => [`${server.toUpperCase()}_${name}`, file]),
    );

  /** What is said; undefined where it connects. */
  const said = (work: Promise<unknown>): Promise<string | undefined> =>
    work.then(
      () => undefined,
      (error: unknown) => {
        const { message } = toError(error);
        if (!(error instanceof ConnectionFaultError)) return `not told apart: ${message}`;
        return message;
      },
    );

  /**
   * A busy machine may miss a deadline of the connection, which is another fault: it is tried again. No try connects, and
   * none says what is hidden.
   */
  async function expectFaultOf(
    connect: () => Promise<unknown>,
    server: ServerKind,
    kind: FaultKind,
    what: string,
  ): Promise<void> {
    const sentences: (string | undefined)[] = [];
    await eventually(
      async () => {
        const sentence = await said(connect());
        sentences.push(sentence);
        expectFault(sentence, server, kind, what);
      },
      { withinMs: 30_000 },
    );
    expect(sentences, what).not.to.include(undefined);
    for (const hidden of [HIDDEN, RIGHT]) expect(sentences.join('\n')).not.to.contain(hidden);
  }

  const expectNoFault = (connect: () => Promise<unknown>, what = '') =>
    eventually(
      async () => {
        expect(await said(connect()), what).to.equal(undefined);
      },
      { withinMs: 30_000 },
    );

  function expectFault(
    sentence: string | undefined,
    server: ServerKind,
    kind: FaultKind,
    what: string,
  ): void {
    expect(sentence, what)
      .to.match(new RegExp(`^${server} at `))
      .and.contain(FAULTS[kind])
      .and.contain(REMEDIES[server][kind])
      .and.not.contain(HIDDEN)
      .and.not.contain(RIGHT)
      .and.not.contain('\n');
  }

  async function toNats(env: Variables): Promise<void> {
    const config = requireServers(loadConfig(env), ['NATS_URL']);
    const { connection } = await connectNats(config, 'test', silentLog);
    await connection.flush();
    await connection.close();
  }

  describe('to NATS', () => {
    let secured: SecuredNats;
    let elsewhere: SecuredNats;
    let stale: SecuredNats;
    let early: SecuredNats;
    const right = () => ({
      NATS_URL: `tls://localhost:${secured.port}`,
      NATS_TLS_CA: trusted.cert,
      NATS_USER: 'sojourn',
      NATS_PASSWORD: RIGHT,
      ...of('NATS', client),
    });

    before('start some', async () => {
      const configOf = (file: string, name = 'localhost', valid?: Valid) => {
        const { cert, key } = trusted.issue(`nats-${file}`, [`DNS:${name}`], valid);
        return `tls { cert_file: "${cert}", key_file: "${key}", ca_file: "${trusted.cert}", verify: true }
authorization { user: sojourn, password: "${RIGHT}" }
`;
      };
      [secured, elsewhere, stale, early] = await Promise.all([
        nats(configOf('right')),
        nats(configOf('elsewhere', 'nats.example')),
        nats(configOf('stale', 'localhost', EXPIRED)),
        nats(configOf('early', 'localhost', NOT_YET_VALID)),
      ]);
    });

    it('with its authority, a certificate and a password', async () => {
      await expectNoFault(() => toNats(right()));
    });

    for (const [what, kind, change] of [
      ['an unknown authority', 'authority', () => ({ NATS_TLS_CA: '' })],
      ['another one', 'authority', () => ({ NATS_TLS_CA: unknown.cert })],
      [
        'a certificate for another host',
        'host',
        () => ({ NATS_URL: `tls://localhost:${elsewhere.port}` }),
      ],
      [
        'a certificate that has expired',
        'expired',
        () => ({ NATS_URL: `tls://localhost:${stale.port}` }),
      ],
      [
        'a certificate that is not valid yet',
        'expired',
        () => ({ NATS_URL: `tls://localhost:${early.port}` }),
      ],
      ['no client certificate', 'certificate', () => ({ NATS_TLS_CERT: '', NATS_TLS_KEY: '' })],
      ['a client certificate that has expired', 'clientExpired', () => of('NATS', expired)],
      ['a client certificate that is not valid yet', 'clientExpired', () => of('NATS', tooNew)],
      ["a stranger's certificate", 'certificate', () => of('NATS', stranger)],
      ['a wrong password', 'login', () => ({ NATS_PASSWORD: HIDDEN })],
      ['no password', 'login', () => ({ NATS_USER: '', NATS_PASSWORD: '' })],
    ] as const) {
      it(`tells of ${what}`, async () => {
        await expectFaultOf(() => toNats({ ...right(), ...change() }), 'NATS', kind, what);
      });
    }

    const login = (password: string) =>
      `authorization { user: sojourn, password: "${password}" }\n`;
    /** A server that takes the login as it is set, for others to take its place. */
    async function loginTaken() {
      const first = await startSecuredNats(login(RIGHT));
      const { port } = first;
      const env = { NATS_URL: `nats://127.0.0.1:${port}`, NATS_USER: 'sojourn' };
      const config = requireServers(loadConfig({ ...env, NATS_PASSWORD: RIGHT }), ['NATS_URL']);
      return { first, port, config };
    }

    it('comes back to a server that has refused its login again and again meanwhile', async function () {
      this.timeout(180_000);
      const { first, port, config } = await loginTaken();
      const { connection } = await connectNats(config, 'test', silentLog);
      const told: string[] = [];
      const changes: string[] = [];
      const follow = async () => {
        for await (const { type } of connection.status()) told.push(type);
      };
      const followChanges = async () => {
        for await (const { type } of linkChanges(connection)) changes.push(type);
      };
      const following = Promise.all([follow(), followChanges()]);
      const timesTold = (type: string) => told.filter((one) => one === type).length;
      await first.stop();
      const strict = await startSecuredNats(login(HIDDEN), port);
      await eventually(
        () => {
          expect(connection.isClosed() || timesTold('error') >= 3).to.equal(true);
        },
        { withinMs: 30_000 },
      );
      await strict.stop();
      await nats(login(RIGHT), port);

      await eventually(() => connection.flush(), { withinMs: 20_000 });

      expect(connection.isClosed()).to.equal(false);
      // The client tells of each refusal as of another loss, and of as many returns.
      expect(timesTold('disconnect')).to.be.above(1);
      await eventually(
        () => {
          expect(timesTold('reconnect')).to.be.above(1);
        },
        { withinMs: 30_000 },
      );
      expect(changes).to.deep.equal(['disconnect', 'reconnect']);
      await connection.close();
      await following;
    });

    it('says in the log why it does not come back to one whose certificate has expired meanwhile', async function () {
      this.timeout(180_000);
      const secureAs = (file: string, valid?: Valid) => {
        const { cert, key } = trusted.issue(`meanwhile-${file}`, ['DNS:localhost'], valid);
        return `tls { cert_file: "${cert}", key_file: "${key}" }\n`;
      };
      const renewed = secureAs('right');
      const first = await startSecuredNats(renewed);
      const { port } = first;
      const env = { NATS_URL: `tls://localhost:${port}`, NATS_TLS_CA: trusted.cert };
      const config = requireServers(loadConfig(env), ['NATS_URL']);
      const lines: string[] = [];
      const log = pino({}, { write: (line: string) => lines.push(line) });
      const faults = () =>
        lines.flatMap((line) => (JSON.parse(line) as { readonly fault?: string }).fault ?? []);
      const { connection, jsm } = await connectNats(config, 'test', log);
      const redis = {
        ...{ set: () => Promise.resolve('OK'), disconnect: () => undefined, status: 'ready' },
      } as unknown as Redis;
      const ofCollector = () => troublesOf(false, { jsm }, redis, config);
      try {
        await first.stop();
        expect(await ofCollector()).to.deep.equal(['NATS: the connection is lost']);
        const expiredOne = await startSecuredNats(secureAs('expired', EXPIRED), port);
        await eventually(
          () => {
            expectFault(faults()[0], 'NATS', 'expired', 'in the log');
          },
          { withinMs: 60_000 },
        );
        await eventually(
          async () => {
            expectFault((await ofCollector())[0], 'NATS', 'expired', 'of a collector');
          },
          { withinMs: 20_000 },
        );
        await expiredOne.stop();
        await nats(renewed, port);

        await eventually(() => connection.flush(), { withinMs: 20_000 });
        expect(faults()).to.have.length(1);
      } finally {
        await connection.close();
      }
    });

    it('sends nothing in plain text where the server has no TLS', async () => {
      const recorded = await plainDoor(Number(new URL(servers().nats.url).port));
      const env = { ...right(), NATS_URL: `tls://localhost:${recorded.port}` };
      const connect = () => toNats({ ...env, NATS_PASSWORD: HIDDEN });
      await expectFaultOf(connect, 'NATS', 'plain', 'plain');
      expect(recorded.sent()).to.not.contain(HIDDEN).and.not.contain('CONNECT');
    });

    it('by token, by key and by credentials file', async function () {
      // Three servers, and six connections that are refused.
      this.timeout(300_000);
      const [keys, others, login, another] = [
        makeUserKeys(),
        makeUserKeys(),
        makeJwtLogin(),
        makeJwtLogin(),
      ];
      const fileOf = (name: string, content: string): string => {
        const path = join(folder, name);
        writeFileSync(path, content, { mode: 0o600 });
        return path;
      };
      for (const [config, name, good, bad] of [
        [`authorization { token: "${RIGHT}" }\n`, 'NATS_TOKEN', RIGHT, HIDDEN],
        [
          `authorization { users: [ { nkey: ${keys.publicKey} } ] }\n`,
          'NATS_NKEY',
          fileOf('good.nk', `${keys.seed}\n`),
          fileOf('bad.nk', others.seed),
        ],
        [
          login.config,
          'NATS_CREDS',
          fileOf('good.creds', login.creds),
          fileOf('bad.creds', another.creds),
        ],
      ] as const) {
        const { port } = await nats(config);
        const NATS_URL = `nats://127.0.0.1:${port}`;
        await expectNoFault(() => toNats({ NATS_URL, [name]: good }), name);
        await expectFaultOf(() => toNats({ NATS_URL, [name]: bad }), 'NATS', 'login', name);
        await expectFaultOf(() => toNats({ NATS_URL }), 'NATS', 'login', `no ${name}`);
      }
    });

    it('is told of a login that is refused from now on: once in the log, and to who looks', async function () {
      this.timeout(180_000);
      const { first, port, config } = await loginTaken();
      const lines: string[] = [];
      const log = pino({}, { write: (line: string) => lines.push(line) });
      const faults = () =>
        lines.flatMap((line) => (JSON.parse(line) as { readonly fault?: string }).fault ?? []);
      const { connection } = await connectNats(config, 'test', log);
      const observer = createObserver(config);
      const lookAt = async () => (await observer.status()).servers.nats;
      try {
        await lookAt();
        await first.stop();
        const strict = await startSecuredNats(login(HIDDEN), port);

        await eventually(
          async () => {
            expect(await lookAt()).to.include({ reachable: false, fault: 'login' });
          },
          { withinMs: 30_000 },
        );
        const [fault, ...more] = faults();
        expectFault(fault, 'NATS', 'login', 'in the log');
        expect(more).to.deep.equal([]);

        await strict.stop();
        await nats(login(RIGHT), port);
        await eventually(() => connection.flush(), { withinMs: 20_000 });
        await eventually(
          async () => {
            // It is a new one without streams: that is what is said now.
            expect(await lookAt())
              .to.have.property('error')
              .that.contains('is missing');
          },
          { withinMs: 20_000 },
        );
      } finally {
        await observer.close();
        await connection.close();
      }
    });
  });

  /** The three that are behind a door of the tests. */
  const BEHIND = {
    Temporal: {
      port: () => Number(servers().temporal.address.split(':')[1]),
      address: (port: number, isTls: boolean): Variables => ({
        TEMPORAL_ADDRESS: `localhost:${port}`,
        ...(isTls && { TEMPORAL_TLS: 'true' }),
      }),
      login: (): Variables => ({}),
      wrongLogin: undefined,
      connect: async (env: Variables): Promise<void> => {
        const config = requireServers(loadConfig(env), ['TEMPORAL_ADDRESS']);
        const { connection } = await connectTemporal(config);
        await connection.close();
      },
    },
    ClickHouse: {
      port: () => Number(new URL(servers().clickhouse.url).port),
      address: (port: number, isTls: boolean): Variables => ({
        CLICKHOUSE_URL: `${isTls ? 'https' : 'http'}://localhost:${port}`,
      }),
      login: (): Variables => ({
        CLICKHOUSE_BI_USER: CLICKHOUSE_BI,
        CLICKHOUSE_BI_PASSWORD: servers().secrets.clickhouse.biPassword,
      }),
      wrongLogin: (): Variables => ({ CLICKHOUSE_BI_PASSWORD: HIDDEN }),
      connect: async (env: Variables): Promise<void> => {
        const config = requireServers(loadConfig(env), ['CLICKHOUSE_URL']);
        const connected = connectClickHouse(
          {
            ...config,
            CLICKHOUSE_ADMIN_USER: config.CLICKHOUSE_BI_USER,
            CLICKHOUSE_ADMIN_PASSWORD: config.CLICKHOUSE_BI_PASSWORD,
          },
          'admin',
        );
        try {
          const result = await connected.ping({ select: true });
          if (!result.success) await clickHouseUnreachable(config)(result.error);
        } finally {
          await connected.close();
        }
      },
    },
    Redis: {
      port: () => Number(new URL(servers().redis.url).port),
      address: (
        port: number,
        isTls: boolean,
        password = new URL(servers().redis.url).password,
      ) => ({
        REDIS_URL: `${isTls ? 'rediss' : 'redis'}://:${password}@localhost:${port}`,
      }),
      login: (): Variables => ({}),
      wrongLogin: (port: number): Variables => ({
        REDIS_URL: `rediss://:${HIDDEN}@localhost:${port}`,
      }),
      connect: async (env: Variables): Promise<void> => {
        const observer = createObserver(loadConfig(env));
        try {
          const { redis } = (await observer.status()).servers;
          if (redis.reachable) return;
          const { fault, error, url = '' } = redis;
          if (fault === undefined) throw new Error(error);
          const thrown = new ConnectionFaultError('Redis', url, fault, undefined);
          expect(error, 'as `status` passes it on').to.equal(thrown.message);
          throw thrown;
        } finally {
          await observer.close();
        }
      },
    },
  } as const;

  /** Commands and long-running processes connect to Temporal by two libraries, each with a TLS of its own. */
  const toTemporalNatively = async (env: Variables): Promise<void> => {
    const config = requireServers(loadConfig(env), ['TEMPORAL_ADDRESS']);
    const { connection } = await connectTemporalNative(config);
    await connection.close();
  };

  for (const [server, title, through] of [
    ['Temporal', 'Temporal, for commands'],
    ['Temporal', 'Temporal, for what keeps running', toTemporalNatively],
    ['ClickHouse', 'ClickHouse'],
    ['Redis', 'Redis'],
  ] as const) {
    describe(`to ${title}`, () => {
      const { port, address, login, connect: ofServer, wrongLogin } = BEHIND[server];
      const connect = through ?? ofServer;
      const CA = `${server.toUpperCase()}_TLS_CA`;
      let secured: Door;
      let elsewhere: Door;
      let stale: Door;
      let early: Door;
      let strict: Pick<Door, 'port'>;
      const right = (): Variables => ({
        ...address(secured.port, true),
        ...login(),
        [CA]: trusted.cert,
        ...of(server, client),
      });

      before('open doors', async () => {
        secured = await tlsDoor(port());
        elsewhere = await tlsDoor(port(), 'else.example');
        stale = await tlsDoor(port(), 'localhost', EXPIRED);
        early = await tlsDoor(port(), 'localhost', NOT_YET_VALID);
        strict = await door(
          openStrictDoor(trusted.issue(`strict-${doors}`, ['DNS:localhost']), trusted),
        );
      });

      it('with its authority, a certificate and a password', async () => {
        await expectNoFault(() => connect(right()));
        expect(secured.sent()).to.not.equal('');
      });

      for (const [what, kind, change] of [
        ['an unknown authority', 'authority', () => ({ [CA]: '' })],
        ['another one', 'authority', () => ({ [CA]: unknown.cert })],
        ['a certificate for another host', 'host', () => address(elsewhere.port, true)],
        ['a certificate that has expired', 'expired', () => address(stale.port, true)],
        ['a certificate that is not valid yet', 'expired', () => address(early.port, true)],
        ['no client certificate', 'certificate', () => of(server, { TLS_CERT: '', TLS_KEY: '' })],
        [
          "a stranger's certificate",
          'certificate',
          () => ({ ...address(strict.port, true), ...of(server, stranger) }),
        ],
        [
          'a client certificate that has expired',
          'clientExpired',
          () => ({ ...address(strict.port, true), ...of(server, expired) }),
        ],
        [
          'a client certificate that is not valid yet',
          'clientExpired',
          () => ({ ...address(strict.port, true), ...of(server, tooNew) }),
        ],
      ] as const) {
        it(`tells of ${what}`, async () => {
          await expectFaultOf(() => connect({ ...right(), ...change() }), server, kind, what);
        });
      }

      if (wrongLogin !== undefined) {
        it('tells of a wrong password', async () => {
          const env = { ...right(), ...wrongLogin(secured.port) };
          await expectFaultOf(() => connect(env), server, 'login', 'password');
        });
      }

      it('tells of an address that does not say TLS', async () => {
        const env = { ...address(secured.port, false), ...login() };
        await expectFaultOf(() => connect(env), server, 'tls', 'plain address');
      });

      it('sends no login in plain text where the server has no TLS', async () => {
        const recorded = await plainDoor(port());
        const env = { ...right(), ...address(recorded.port, true) };
        await expectFaultOf(() => connect(env), server, 'plain', 'plain server');
        const { redis, secrets } = servers();
        expect(recorded.sent())
          .to.not.contain(decodeURIComponent(new URL(redis.url).password))
          .and.not.contain(secrets.clickhouse.biPassword)
          .and.not.contain('PRI * HTTP');
      });
    });
  }

  it('to ClickHouse are told of by the page as by all else', async () => {
    const { port, login, address } = BEHIND.ClickHouse;
    const stale = await tlsDoor(port(), 'localhost', EXPIRED);
    const env = {
      ...{ ...login(), ...address(stale.port, true), CLICKHOUSE_TLS_CA: trusted.cert },
      ...of('ClickHouse', client),
    };
    const config = requireServers(loadConfig(env), ['CLICKHOUSE_URL']);
    const dashboard = await runDashboard(config, silentLog, { port: 0, portFlag: '--port' });
    try {
      const [trouble, ...more] = await dashboard.troubles();
      expectFault(trouble, 'ClickHouse', 'expired', 'of the page');
      expect(more).to.deep.equal([]);
    } finally {
      await dashboard.close();
    }
  });

  describe('to Redis, once they were there', () => {
    const issued = (name: string, valid?: Valid) => trusted.issue(name, ['DNS:localhost'], valid);

    /** What is logged, and what a collector says of Redis. */
    function connected(env: Variables) {
      const config = requireServers(loadConfig({ NATS_URL: 'nats://127.0.0.1:1', ...env }), [
        'NATS_URL',
        'REDIS_URL',
      ]);
      const lines: { readonly msg: string; readonly fault?: string }[] = [];
      const log = pino(
        {},
        { write: (line: string) => lines.push(JSON.parse(line) as (typeof lines)[number]) },
      );
      const redis = connectRedis(config, log);
      const jsm = {
        streams: { deleteMessage: () => Promise.reject(new Error('not of interest')) },
      } as unknown as Nats['jsm'];
      return {
        redis,
        faults: () => lines.flatMap(({ fault }) => fault ?? []),
        said: (msg: string) => lines.filter((line) => line.msg === msg).length,
        troubles: async () =>
          (await troublesOf(true, { jsm }, redis, config)).filter((one) => one.startsWith('Redis')),
      };
    }

    const until = (what: () => unknown) => eventually(what, { withinMs: 60_000 });

    it('say each reason for which they do not come back, once, in the log and to who asks a collector', async () => {
      const behind = Number(new URL(servers().redis.url).port);
      const asOperator = new Redis(servers().redis.url);
      const user = `away-${Date.now().toString(36)}`;
      const login = (password: string) =>
        asOperator.call('ACL', 'SETUSER', user, 'on', 'resetpass', `>${password}`, '~*', '+@all');
      await login(RIGHT);
      const first = await openTlsDoor(behind, issued('redis-right'), trusted);
      const { port } = first;
      const again = (name: string, valid?: Valid) =>
        openTlsDoor(behind, issued(name, valid), trusted, port);
      const { redis, faults, said, troubles } = connected({
        REDIS_URL: `rediss://${user}:${RIGHT}@localhost:${port}`,
        REDIS_TLS_CA: trusted.cert,
        ...of('Redis', client),
      });
      try {
        await until(() => redis.ping());
        expect(await troubles()).to.deep.equal([]);

        // Nobody listens at first, as while it is started again.
        await first.close();
        await until(() => {
          expect(said('redis connection lost')).to.equal(1);
        });
        const expiredOne = await again('redis-expired', EXPIRED);
        await until(() => {
          expectFault(faults()[0], 'Redis', 'expired', 'in the log');
        });
        await until(async () => {
          const [trouble, ...more] = await troubles();
          expectFault(trouble, 'Redis', 'expired', 'of a collector');
          expect(more).to.deep.equal([]);
        });
        await expiredOne.close();
        await login(HIDDEN);
        const renewed = await again('redis-renewed');
        await until(() => {
          expectFault(faults()[1], 'Redis', 'login', 'in the log');
        });
        await until(async () => {
          expectFault((await troubles())[0], 'Redis', 'login', 'of a collector');
        });
        await login(RIGHT);

        await until(() => redis.ping());
        expect(await troubles()).to.deep.equal([]);
        expect(faults()).to.have.length(2);
        expect(said('redis connection lost')).to.equal(1);
        expect(said('redis connection is back')).to.equal(1);
        await renewed.close();
      } finally {
        redis.disconnect();
        await asOperator.call('ACL', 'DELUSER', user);
        asOperator.disconnect();
      }
    });

    it('say so where it speaks TLS now, and hangs up on who does not', async () => {
      const behind = Number(new URL(servers().redis.url).port);
      const { password } = new URL(servers().redis.url);
      const plain = await openPlainDoor(behind);
      const { port } = plain;
      const { redis, faults, troubles } = connected({
        REDIS_URL: `redis://:${password}@localhost:${port}`,
      });
      try {
        await until(() => redis.ping());
        await plain.close();
        const secured = await door(openTlsDoor(behind, issued('redis-tls'), trusted, port));

        await until(() => {
          expectFault(faults()[0], 'Redis', 'tls', 'in the log');
        });
        await until(async () => {
          expectFault((await troubles())[0], 'Redis', 'tls', 'of a collector');
        });
        expect(secured.sent()).to.equal('');
      } finally {
        redis.disconnect();
      }
    });
  });

  it('are in the table of docs/security.md, with what is said and what to set', () => {
    const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
    const rows = (Object.keys(FAULTS) as FaultKind[]).flatMap((kind) =>
      (Object.keys(REMEDIES) as ServerKind[]).map(
        (server) => `| ${server} | ${FAULTS[kind]} | ${REMEDIES[server][kind]} |`,
      ),
    );
    for (const row of rows) expect(page).to.contain(row);
  });
});
