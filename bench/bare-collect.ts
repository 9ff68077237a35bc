/** The least that can be done: a route of fastify that publishes what it gets to JetStream, and answers then. */
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { loadConfig, processEnvironment, requireServers } from '../platform/config.ts';
import { silentLog } from '../platform/log.ts';
import { connectNats } from '../platform/nats.ts';

const config = requireServers(loadConfig(processEnvironment()), ['NATS_URL']);
const { js, connection } = await connectNats(config, 'bare', silentLog);
const app = fastify({ logger: false });
app.post('/events', async (request) => {
  await js.publish('events.bare.x', JSON.stringify(request.body));
  return { accepted: 1 };
});
await app.listen({ host: '127.0.0.1', port: 0 });
const { port } = app.server.address() as AddressInfo;
process.stdout.write(`COLLECT_URL=http://127.0.0.1:${port}\n`);
process.once('SIGTERM', () => {
  app
    .close()
    .then(() => connection.close())
    .catch(() => process.exit(1));
});
