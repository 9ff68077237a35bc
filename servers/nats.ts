/**
 * A NATS server with JetStream for one machine. What it acknowledges is on disk: `sync_interval:
 * always` flushes before the acknowledgement (the default, every 2 minutes, forgets on power loss).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { launch, untilReady, type RunningServer } from './guard.ts';

export interface NatsServer extends RunningServer {
  readonly url: string;
}

export interface NatsOptions {
  readonly binary: string;
  readonly dataDir: string;
  readonly port: number;
  readonly log: Logger;
}

const READY_TIMEOUT_MS = 60_000;

export async function startNats({ binary, dataDir, port, log }: NatsOptions): Promise<NatsServer> {
  mkdirSync(dataDir, { recursive: true });
  const configFile = join(dataDir, 'nats.conf');
  writeFileSync(configFile, natsConfig(dataDir, port));
  const server = await launch({
    name: 'nats',
    file: binary,
    args: ['-c', configFile],
    dataDir,
    log,
  });
  await untilReady(server, () => greets(port), { timeoutMs: READY_TIMEOUT_MS });
  return Object.assign(server, { url: `nats://127.0.0.1:${port}` });
}

// A dead letter is a message of up to 1 MiB plus headers, hence the payload limit of 2 MB. The
// store limit is only there so that a full disk is refused by us before it is refused by the disk.
/** What the server is told. */
export function natsConfig(dataDir: string, port: number, serverName = 'sojourn'): string {
  return `# Written at each start.
listen: "127.0.0.1:${port}"
server_name: ${serverName}
max_payload: 2MB
max_pending: 64MB
lame_duck_grace_period: "0s"
jetstream {
  store_dir: ${JSON.stringify(join(dataDir, 'nats'))}
  sync_interval: always
  max_memory_store: 256MB
  max_file_store: 50GB
}
`;
}

/** The server greets with its INFO line once it takes clients, with JetStream recovered by then. */
export function greets(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(2_000, () => socket.destroy(new Error('no greeting')));
    socket.once('error', reject);
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().startsWith('INFO ') && data.includes('"jetstream":true'));
    });
  });
}
