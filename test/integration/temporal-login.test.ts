/**
 * Temporal's login by key, through TLS, with both libraries that Sojourn connects by: at a door in front of the embedded
 * server, and at the real server program with TLS and authorizer of its own, where that is there. What it says to a
 * client certificate is tried at the latter, too.
 */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { findTemporalServer, NO_TEMPORAL_SERVER } from '../../bench/temporal-postgres.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import {
  ConnectionFaultError,
  type FaultKind,
  faultSentence,
} from '../../platform/connection-fault.ts';
import { connectTemporal } from '../../platform/temporal.ts';
import { connectTemporalNative } from '../../platform/temporal-native.ts';
import { sessionWorkflowId } from '../../shared/ids.ts';
import { toError } from '../../shared/errors.ts';
import { type Authority, EXPIRED, makeAuthority, NOT_YET_VALID } from '../support/authority.ts';
import { eventually } from '../support/eventually.ts';
import { type KeyDoor, openKeyDoor, OTHERS_KEY } from '../support/key-door.ts';
import {
  connectAround,
  connectTemporalOf,
  environmentOf,
  sojourn,
  sojournProcess,
  spawnSojourn,
} from '../support/pipeline.ts';
import { type SecuredTemporal, startSecuredTemporal } from '../support/secured-temporal.ts';
import { temporaryFolder, useServers } from '../support/servers.ts';

type Variables = Readonly<Record<string, string>>;

const RIGHT_KEY = 'right-key';
const WRONG_KEY = 'hidden-key';

const LIBRARIES = {
  commands: connectTemporal,
  'what keeps running': connectTemporalNative,
} as const;

describe("Temporal's login", function () {
  this.timeout(180_000);
  const servers = useServers();
  const folder = temporaryFolder();
  let trusted: Authority;

  before('make an authority', () => {
    trusted = makeAuthority(folder, 'trusted');
  });

  /** What is said; undefined where it connects. */
  async function said(connect: (typeof LIBRARIES)[keyof typeof LIBRARIES], env: Variables) {
    const config = requireServers(loadConfig(env), ['TEMPORAL_ADDRESS']);
    try {
      const { connection } = await connect(config);
      await connection.close();
      return undefined;
    } catch (error) {
      const { message } = toError(error);
      return error instanceof ConnectionFaultError ? message : `not told apart: ${message}`;
    }
  }

  /** A busy machine may miss a deadline of the connection, which is another fault: it is tried again. */
  async function expectSaid(env: Variables, kind: FaultKind | undefined): Promise<void> {
    const sentence = kind && faultSentence('Temporal', env['TEMPORAL_ADDRESS'] ?? '', kind);
    for (const [name, connect] of Object.entries(LIBRARIES)) {
      await eventually(
        async () => {
          expect(await said(connect, env), name).to.equal(sentence);
        },
        { withinMs: 30_000 },
      );
    }
  }

  describe('at a door', () => {
    let door: KeyDoor;
    const right = (): Variables => ({
      ...environmentOf(servers()),
      TEMPORAL_ADDRESS: `localhost:${door.port}`,
      TEMPORAL_TLS_CA: trusted.cert,
      TEMPORAL_API_KEY: RIGHT_KEY,
    });

    before('open it', async () => {
      const port = Number(servers().temporal.address.split(':')[1]);
      door = await openKeyDoor(port, trusted.issue('door', ['DNS:localhost']), RIGHT_KEY);
    });
    after('close it', () => door.close());
    afterEach(() => {
      door.takes(RIGHT_KEY);
    });

    it('is taken with the right key', () => expectSaid(right(), undefined));

    for (const [what, key] of [
      ['a wrong key', WRONG_KEY],
      ['no key', ''],
      ['that of another namespace', OTHERS_KEY],
    ] as const) {
      it(`is told of with ${what}`, () =>
        expectSaid({ ...right(), TEMPORAL_API_KEY: key }, 'login'));
    }

    it('is told of by status, once a key is taken no more', async () => {
      const look = async (env: Variables) => {
        const { stdout } = await sojourn(['status', '--json'], env);
        const status = JSON.parse(stdout) as {
          servers: { temporal: { reachable: boolean; fault?: string; error?: string } };
        };
        return status.servers.temporal;
      };
      await eventually(
        async () => {
          expect(await look(right())).to.include({ reachable: true });
        },
        { withinMs: 30_000 },
      );
      door.takes('another one');

      await eventually(
        async () => {
          expect(await look(right())).to.include({
            fault: 'login',
            error: faultSentence('Temporal', right()['TEMPORAL_ADDRESS'] ?? '', 'login'),
          });
        },
        { withinMs: 30_000 },
      );
    });

    it('makes no dead letter of what comes while a key is refused, and each try a line', async () => {
      const project = `refused-${randomUUID().slice(0, 8)}`;
      const migrated = await sojourn(['migrate'], environmentOf(servers()));
      expect(migrated.code, migrated.stderr).to.equal(0);
      const around = await connectAround(servers());
      const own = await connectTemporalOf(servers());
      const child = spawnSojourn(['ingest'], { ...right(), SESSION_STUCK_AFTER: '1s' });
      let log = '';
      child.stderr?.on('data', (data: Buffer) => (log += data.toString()));
      const logged = (words: string) =>
        eventually(
          () => {
            expect(log).to.contain(words);
          },
          { withinMs: 60_000 },
        );
      try {
        await logged('ingest started');
        door.takes('another one');
        await around.publish(project, {
          sessionId: 's',
          eventType: 'pageview',
          timestamp: Date.now(),
        });
        // Several times as long as sessions are tried for that do not take their events.
        await logged('"failures":5');
        door.takes(RIGHT_KEY);

        await eventually(
          () => own.client.workflow.getHandle(sessionWorkflowId(project, 's')).describe(),
          {
            withinMs: 60_000,
          },
        );
        expect(log).to.contain('Request unauthorized').and.not.contain('dead letters');
        expect(log).to.not.contain(RIGHT_KEY);
      } finally {
        child.kill('SIGKILL');
        await own.connection.close();
        await around.close();
      }
    });
  });

  describe("at the server's own", () => {
    const program = findTemporalServer();
    let byKey: SecuredTemporal;
    let byCertificate: SecuredTemporal;

    before('start two', async function () {
      if (program === undefined) {
        process.stdout.write(`      (skipped: ${NO_TEMPORAL_SERVER})\n`);
        return this.skip();
      }
      const certificate = trusted.issue('temporal', ['DNS:localhost']);
      const of = { certificate, authority: trusted };
      byKey = await startSecuredTemporal(program, {
        ...of,
        wantsClientCertificate: false,
        wantsKey: true,
      });
      byCertificate = await startSecuredTemporal(program, {
        ...of,
        wantsClientCertificate: true,
        wantsKey: false,
      });
    });
    after('stop them', async () => {
      if (program === undefined) return;
      await byKey.stop();
      await byCertificate.stop();
    });

    const withKey = (key: string): Variables => ({
      TEMPORAL_ADDRESS: byKey.address,
      TEMPORAL_TLS_CA: trusted.cert,
      TEMPORAL_API_KEY: key,
    });

    for (const [what, keyOf, kind] of [
      ['takes a key of the namespace', () => byKey.keyFor(['default:write']), undefined],
      ['tells of one that it cannot read', () => WRONG_KEY, 'login'],
      ['tells of one that has expired', () => byKey.keyFor(['default:write'], -60), 'login'],
      ['tells of that of another namespace', () => byKey.keyFor(['other:write']), 'login'],
      ['tells of none', () => '', 'login'],
    ] as const) {
      it(what, () => expectSaid(withKey(keyOf()), kind));
    }

    it('tells a worker, and a command that writes, of a key that may only read', async () => {
      const env = {
        ...environmentOf(servers()),
        ...withKey(byKey.keyFor(['default:read'])),
        TEMPORAL_NAMESPACE: 'default',
      };
      const sentence = faultSentence('Temporal', byKey.address, 'login');

      const listed = await sojourn(['session', 'list', '--json'], env);
      const worker = await sojournProcess(['worker', '--data-dir', temporaryFolder()], env);

      expect(listed).to.include({ code: 0 });
      expect(worker.code).to.equal(1);
      expect(worker.stderr.trim()).to.equal(`error: ${sentence}`);
    });

    for (const [what, files, kind] of [
      ["takes a client's certificate", () => trusted.issue('client', ['DNS:client']), undefined],
      ['tells of none', () => undefined, 'certificate'],
      [
        "tells of a stranger's",
        () => makeAuthority(folder, 'unknown').issue('stranger', ['DNS:client']),
        'certificate',
      ],
      [
        'tells of one that has expired',
        () => trusted.issue('expired', ['DNS:client'], EXPIRED),
        'clientExpired',
      ],
      [
        'tells of one that is not valid yet',
        () => trusted.issue('new', ['DNS:client'], NOT_YET_VALID),
        'clientExpired',
      ],
    ] as const) {
      it(`${what} (certificates)`, async () => {
        const own = files();
        await expectSaid(
          {
            TEMPORAL_ADDRESS: byCertificate.address,
            TEMPORAL_TLS_CA: trusted.cert,
            ...(own && { TEMPORAL_TLS_CERT: own.cert, TEMPORAL_TLS_KEY: own.key }),
          },
          kind,
        );
      });
    }
  });
});
