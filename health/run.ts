/** The health of a process with its connections: opened when somebody asks, none where nobody does. */
import { createObserver } from '../operations/observe.ts';
import type { Collector } from '../collect/server.ts';
import type { CollectWatch } from '../collect/watch.ts';
import type { Dashboard } from '../dashboard/server.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/log.ts';
import type { RequestWatch } from '../platform/request-watch.ts';
import type { Watch } from '../platform/watch.ts';
import { createLooker } from './look.ts';
import { createMetrics, type IngestSource } from './metrics.ts';
import { troublesOf, type Work } from './readiness.ts';
import { startHealthServer } from './server.ts';

export interface Health {
  readonly url: string;
  /** To be told of what passes through the process. */
  readonly watch: Watch;
  readonly collectWatch: CollectWatch;
  readonly pageWatch: RequestWatch;
  /** What else the process does, and says of itself. */
  follow(parts: Parts): void;
  /** The process works from now on. */
  started(pipeline?: Pipeline): void;
  /** It drains: nobody should send it more. */
  stopping(): void;
  close(): Promise<void>;
}

interface Pipeline {
  readonly ingest: IngestSource | undefined;
  /** Figures of the Temporal library, as Prometheus reads them. */
  readonly sdkMetrics: (() => Promise<string>) | undefined;
}

export interface Parts {
  readonly collector?: Pick<Collector, 'figures' | 'troubles'>;
  readonly dashboard?: Pick<Dashboard, 'figures' | 'troubles'>;
}

const PARTS = ['ingest', 'worker', 'collect', 'dashboard'] as const;

/** Listens at once, so that a process that cannot start says why. @throws SojournError `SJ_SERVER_START` */
export async function runHealth(
  config: Config,
  log: Logger,
  { port, roles }: { readonly port: number; readonly roles: Work },
): Promise<Health> {
  // The others know their own servers, and may see no more of them than they need.
  const observer = roles.ingest || roles.worker ? createObserver(config) : undefined;
  const looker = observer && createLooker(observer, Date.now);
  const { collect = false, dashboard = false } = roles;
  let phase: 'starting' | 'running' | 'stopping' = 'starting';
  const metrics = createMetrics({
    ...{ looker, collect, dashboard },
    parts: PARTS.filter((part) => roles[part] === true),
    isRunning: () => phase === 'running',
  });
  const sayers: (() => Promise<readonly string[]>)[] = [];
  const troubles = async () => {
    const own = phase === 'running' ? [] : [`this process is ${phase}`];
    const ofServers = async () =>
      looker === undefined ? [] : troublesOf(await looker.look(), roles);
    // All at once: a server that is silent costs its patience once, whoever asks it.
    const found = await Promise.all([ofServers(), ...sayers.map((say) => say())]);
    return [...new Set([...own, ...found.flat()])];
  };
  const warnings = async () => (await looker?.look())?.status.warnings ?? [];
  let ofLibrary: Pipeline['sdkMetrics'];
  const text = async () => {
    const own = metrics.text();
    const others = ofLibrary?.().catch((error: unknown) => {
      log.warn({ err: error }, 'the Temporal library does not tell its figures');
      return '';
    });
    return `${await own}${(await others) ?? ''}`;
  };
  try {
    const server = await startHealthServer(
      { metrics: { text, contentType: metrics.contentType }, troubles, warnings, log },
      { host: config.HEALTH_HOST, port },
    );
    return {
      url: server.url,
      watch: metrics.watch,
      collectWatch: metrics.collect.watch,
      pageWatch: metrics.page.watch,
      follow({ collector, dashboard: page }) {
        if (collector !== undefined) {
          metrics.collect.follow(() => collector.figures());
          sayers.push(() => collector.troubles());
        }
        if (page !== undefined) {
          metrics.page.follow(() => page.figures());
          sayers.push(() => page.troubles());
        }
      },
      started({ ingest, sdkMetrics } = { ingest: undefined, sdkMetrics: undefined }) {
        phase = 'running';
        if (ingest !== undefined) metrics.follow(ingest);
        ofLibrary = sdkMetrics;
      },
      stopping() {
        phase = 'stopping';
      },
      async close() {
        await server.close();
        await observer?.close();
      },
    };
  } catch (error) {
    await observer?.close();
    throw error;
  }
}
