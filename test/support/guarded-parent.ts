/**
 * A process to be killed: starts servers in the folder given, says their process ids in one line of
 * JSON, and stays. `node --import tsx/esm test/support/guarded-parent.ts DATA_DIR nats,redis [NATS_PORT]`
 */
import { startServers, type ServerName } from '../../servers/index.ts';
import { testStartOptions } from './servers-options.ts';

const [dataDir = '', which = '', natsPort = '0'] = process.argv.slice(2);
const servers = await startServers({
  ...testStartOptions(dataDir, which.split(',') as ServerName[]),
  ports: { nats: Number(natsPort) },
});
const pids = [servers.nats, servers.temporal, servers.clickhouse, servers.redis].flatMap(
  (server) => (server === undefined ? [] : [server.pid]),
);
process.stdout.write(`${JSON.stringify(pids)}\n`);
// It is there to be killed, not interrupted.
process.on('SIGINT', () => undefined);
setInterval(() => undefined, 60_000);
