/**
 * `/healthz`, `/readyz` and `/metrics` of a process, on a port of their own: for orchestrators and Prometheus, not for
 * people. It tells no secret, and changes nothing.
 */
import { fastify } from 'fastify';
import type { Logger } from '../platform/log.ts';
import { listen } from '../platform/listen.ts';
import type { Metrics } from './metrics.ts';

export interface HealthOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface HealthDeps {
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  /** What keeps the process from its work; nothing where it is ready. */
  readonly troubles: () => Promise<readonly string[]>;
  /** What should be mended soon, though the process works. */
  readonly warnings: () => Promise<readonly string[]>;
  readonly log: Logger;
}

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/** What sets the port. */
export const HEALTH_PORT_FLAG = '--health-port';
const BYTES_MAX = 8 * 1024;
/** A server whose disk hangs answers nobody. */
const CLOSE_MS_MAX = 2_000;

/** @throws SojournError `SJ_SERVER_START` where the port cannot be had */
export async function startHealthServer(
  { metrics, troubles, warnings, log }: HealthDeps,
  { host, port }: HealthOptions,
): Promise<HealthServer> {
  const app = fastify({
    logger: false,
    forceCloseConnections: 'idle',
    bodyLimit: BYTES_MAX,
    http: { maxHeaderSize: BYTES_MAX },
  });
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
  });
  app.setErrorHandler((error, _request, reply) => {
    log.warn({ err: error }, 'a question about the health could not be answered');
    return reply.code(500).send({ error: 'the log says what is wrong' });
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: 'there are /healthz, /readyz and /metrics' }),
  );
  // Answered by the thread that does the work: where it stands still, this does.
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const [found, warned] = await Promise.all([troubles(), warnings()]);
    return reply.code(found.length === 0 ? 200 : 503).send({
      status: found.length === 0 ? 'ready' : 'not ready',
      troubles: found,
      warnings: warned,
    });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
  return listen(app, { host, port, portFlag: HEALTH_PORT_FLAG, closeMsMax: CLOSE_MS_MAX });
}
