/** The health of a process with its connections: opened when somebody asks, none where nobody does. */
import { createObserver } from '../operations/observe.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/log.ts';
import type { Watch } from '../platform/watch.ts';
import { createLooker } from './look.ts';
import { createMetrics, type IngestSource } from './metrics.ts';
import { troublesOf, type Work } from './readiness.ts';
import { startHealthServer } from './server.ts';

export interface Health {
  readonly url: string;
  /** To be told of what passes through the process. */
  readonly watch: Watch;
  /** The process works from now on. */
  started(ingest: IngestSource | undefined): void;
  /** It drains: nobody should send it more. */
  stopping(): void;
  close(): Promise<void>;
}

/** Listens at once, so that a process that cannot start says why. @throws SojournError `SJ_SERVER_START` */
export async function runHealth(
  config: Config,
  log: Logger,
  { port, roles }: { readonly port: number; readonly roles: Work },
): Promise<Health> {
  const observer = createObserver(config);
  const looker = createLooker(observer, Date.now);
  const metrics = createMetrics(looker);
  let phase: 'starting' | 'running' | 'stopping' = 'starting';
  const troubles = async () => {
    const own = phase === 'running' ? [] : [`this process is ${phase}`];
    return [...own, ...troublesOf(await looker.look(), roles)];
  };
  try {
    const server = await startHealthServer(
      { metrics, troubles, log },
      { host: config.HEALTH_HOST, port },
    );
    return {
      url: server.url,
      watch: metrics.watch,
      started(ingest) {
        phase = 'running';
        if (ingest !== undefined) metrics.follow(ingest);
      },
      stopping() {
        phase = 'stopping';
      },
      async close() {
        await server.close();
        await observer.close();
      },
    };
  } catch (error) {
    await observer.close();
    throw error;
  }
}
