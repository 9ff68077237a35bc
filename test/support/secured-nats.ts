/** Real NATS servers with settings of their own, such as TLS and logins, added to those of the embedded one. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { launch, untilReady } from '../../servers/guard.ts';
import { obtainServers } from '../../servers/index.ts';
import { greets, natsConfig } from '../../servers/nats.ts';
import { freePort } from '../../servers/ports.ts';
import { onInterrupt } from './on-interrupt.ts';
import { temporaryFolder, testStartOptions } from './servers.ts';

export interface SecuredNats {
  readonly port: number;
  stop(): Promise<void>;
}

const READY_MS_MAX = 60_000;

/**
 * @param more NATS configuration, added to what the embedded server is told
 * @param onPort in place of a free one
 */
export async function startSecuredNats(more: string, onPort?: number): Promise<SecuredNats> {
  const dataDir = temporaryFolder();
  mkdirSync(dataDir, { recursive: true });
  const options = testStartOptions(dataDir, ['nats']);
  const { nats: binary } = await obtainServers(options);
  if (binary === undefined) throw new Error('there is no nats-server');
  const port = onPort ?? (await freePort());
  const configFile = join(dataDir, 'nats.conf');
  writeFileSync(configFile, natsConfig(dataDir, port));
  appendFileSync(configFile, more);
  const server = await launch({
    name: 'nats',
    file: binary,
    args: ['-c', configFile],
    dataDir,
    log: options.log,
  });
  const stop = () => server.stop();
  onInterrupt(stop);
  await untilReady(server, () => greets(port), { timeoutMs: READY_MS_MAX });
  return { port, stop };
}

export interface NatsKeys {
  readonly publicKey: string;
  /** As the NATS tools write it into a file. */
  readonly seed: string;
}

export function makeUserKeys(): NatsKeys {
  const user = nkeys.createUser();
  return { publicKey: user.getPublicKey(), seed: text(user.getSeed()) };
}

export interface JwtLogin {
  /** For the server. */
  readonly config: string;
  /** The file of credentials of a user. */
  readonly creds: string;
}

/** An operator with an account with a user, as `nsc` makes them. */
export function makeJwtLogin(): JwtLogin {
  const operator = nkeys.createOperator();
  const [system, account] = [nkeys.createAccount(), nkeys.createAccount()];
  const user = nkeys.createUser();
  const none = -1;
  const limits = { subs: none, data: none, payload: none };
  const ofAccount = { ...limits, ...{ conn: none, leaf: none, imports: none, exports: none } };
  const storage = { mem_storage: none, disk_storage: none, streams: none, consumer: none };
  const nameOf = (keys: nkeys.KeyPair) => keys.getPublicKey();
  const accountJwt = (keys: nkeys.KeyPair, more: object) =>
    jwt(operator, keys, 'account', { limits: { ...ofAccount, wildcards: true, ...more } });
  return {
    config: `operator: ${jwt(operator, operator, 'operator', { system_account: nameOf(system) })}
system_account: ${nameOf(system)}
resolver: MEMORY
resolver_preload: {
  ${nameOf(system)}: ${accountJwt(system, {})}
  ${nameOf(account)}: ${accountJwt(account, storage)}
}
`,
    creds: `-----BEGIN NATS USER JWT-----
${jwt(account, user, 'user', limits)}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${text(user.getSeed())}
------END USER NKEY SEED------
`,
  };
}

function jwt(issuer: nkeys.KeyPair, subject: nkeys.KeyPair, type: string, nats: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const sub = subject.getPublicKey();
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { jti: sub, iat, iss: issuer.getPublicKey(), sub, name: type };
  const body = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part({ ...claims, nats: { ...nats, type, version: 2 } })}`;
  const signature = issuer.sign(new TextEncoder().encode(body));
  return `${body}.${Buffer.from(signature).toString('base64url')}`;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
