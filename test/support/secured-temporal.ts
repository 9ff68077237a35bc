/**
 * Temporal's server program with TLS of its own and logins by key (its default authorizer, which goes by signed tokens),
 * in memory. Only where the program is: nothing of ours builds it.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Connection, type ConnectionOptions } from '@temporalio/client';
import { aloneAt, lowPorts } from '../../bench/temporal-postgres.ts';
import { silentLog } from '../../platform/log.ts';
import { launch, untilReady } from '../../servers/guard.ts';
import { DYNAMIC_CONFIG } from '../../servers/temporal.ts';
import type { CertificateFiles } from './authority.ts';
import { onInterrupt } from './on-interrupt.ts';
import { temporaryFolder } from './servers.ts';

export interface SecuredTemporal {
  /** By the name that its certificate has. */
  readonly address: string;
  /** A key that it takes, for what these permissions say, such as `default:write`. */
  readonly keyFor: (permissions: readonly string[], forSeconds?: number) => string;
  stop(): Promise<void>;
}

export interface TemporalSecurity {
  readonly certificate: CertificateFiles;
  /** Of its certificate, and of those that clients have to have. */
  readonly authority: CertificateFiles;
  readonly wantsClientCertificate: boolean;
  readonly wantsKey: boolean;
}

const SERVICES = ['frontend', 'internal-frontend', 'history', 'matching', 'worker'] as const;
const READY_MS_MAX = 90_000;
const PROBE_MS_MAX = 2_000;
const HOUR_S = 3_600;

/** @param program `temporal-server` */
export async function startSecuredTemporal(
  program: string,
  security: TemporalSecurity,
): Promise<SecuredTemporal> {
  const dataDir = temporaryFolder();
  mkdirSync(dataDir, { recursive: true });
  const keys = await serveKeys();
  const ports = await lowPorts(2 * SERVICES.length);
  const configFile = join(dataDir, 'server.yaml');
  const dynamicFile = join(dataDir, 'dynamic.yaml');
  const dynamic = { ...DYNAMIC_CONFIG, 'system.namespaceCacheRefreshInterval': '1s' };
  // JSON is YAML.
  writeFileSync(
    dynamicFile,
    JSON.stringify(
      Object.fromEntries(Object.entries(dynamic).map(([name, value]) => [name, [{ value }]])),
    ),
  );
  writeFileSync(
    configFile,
    JSON.stringify(serverConfig(security, { ports, dynamicFile, keysUrl: keys.url })),
  );
  const server = await launch({
    name: 'temporal-secured',
    file: program,
    args: [
      ...['--config-file', configFile, '--allow-no-auth', 'start'],
      ...SERVICES.flatMap((service) => ['--service', service]),
    ],
    dataDir,
    log: silentLog,
  });
  const stop = async () => {
    await server.stop();
    keys.close();
  };
  onInterrupt(stop);
  const internal = `127.0.0.1:${String(ports[2])}`;
  // Behind the door that only its own services use.
  await untilReady(server, () => serves({ address: internal }), { timeoutMs: READY_MS_MAX });
  return { address: `localhost:${String(ports[0])}`, keyFor: keys.keyFor, stop };
}

async function serves(options: ConnectionOptions): Promise<boolean> {
  const connection = await Connection.connect({ ...options, connectTimeout: PROBE_MS_MAX });
  try {
    await connection.withDeadline(Date.now() + PROBE_MS_MAX, async () => {
      const { workflowService } = connection;
      const { namespaces } = await workflowService.listNamespaces({});
      if (namespaces.some(({ namespaceInfo }) => namespaceInfo?.name === 'default')) return;
      await workflowService.registerNamespace({
        namespace: 'default',
        workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
      });
    });
    return true;
  } finally {
    await connection.close();
  }
}

/** Signs tokens, and serves what they are checked with. */
async function serveKeys() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'tests', alg: 'RS256', use: 'sig' };
  const server = createServer((_request, response) => {
    response.end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    keyFor: (permissions: readonly string[], forSeconds = HOUR_S) => {
      const exp = Math.floor(Date.now() / 1_000) + forSeconds;
      const claims = { sub: 'sojourn', exp, permissions };
      const body = `${part({ alg: 'RS256', kid: 'tests', typ: 'JWT' })}.${part(claims)}`;
      return `${body}.${sign('sha256', Buffer.from(body), privateKey).toString('base64url')}`;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function serverConfig(
  { certificate, authority, wantsClientCertificate, wantsKey }: TemporalSecurity,
  {
    ports,
    dynamicFile,
    keysUrl,
  }: {
    readonly ports: readonly number[];
    readonly dynamicFile: string;
    readonly keysUrl: string;
  },
): object {
  const store = (databaseName: string) => ({
    sql: {
      pluginName: 'sqlite',
      databaseName,
      connectAddr: 'localhost',
      connectProtocol: 'tcp',
      connectAttributes: { mode: 'memory', cache: 'private' },
      maxConns: 1,
      maxIdleConns: 1,
      maxConnLifetime: '1h',
    },
  });
  return {
    log: { stdout: true, level: 'error' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: 1,
      datastores: { default: store('default'), visibility: store('default') },
    },
    global: {
      membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' },
      tls: {
        frontend: {
          server: {
            certFile: certificate.cert,
            keyFile: certificate.key,
            requireClientAuth: wantsClientCertificate,
            ...(wantsClientCertificate && { clientCaFiles: [authority.cert] }),
          },
          client: { serverName: 'localhost', rootCaFiles: [authority.cert] },
        },
      },
      ...(wantsKey && {
        authorization: {
          jwtKeyProvider: { keySourceURIs: [keysUrl], refreshInterval: '1m' },
          authorizer: 'default',
          claimMapper: 'default',
        },
      }),
    },
    services: Object.fromEntries(
      SERVICES.map((service, i) => [
        service,
        {
          rpc: {
            grpcPort: ports[2 * i],
            membershipPort: ports[2 * i + 1],
            bindOnLocalHost: true,
          },
        },
      ]),
    ),
    clusterMetadata: aloneAt(`127.0.0.1:${String(ports[0])}`),
    dynamicConfigClient: { filepath: dynamicFile, pollInterval: '60s' },
  };
}
