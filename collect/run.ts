/** The collector with its connections, as `sojourn collect` and `sojourn up` run it. */
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/log.ts';
import { connectNats } from '../platform/nats.ts';
import { followBucket } from '../platform/project-settings.ts';
import { followQuotas } from '../platform/quotas.ts';
import { connectRedis } from '../platform/redis.ts';
import { createClosers } from '../platform/shutdown.ts';
import { steadyNow } from '../platform/steady-clock.ts';
import { wantsTraces } from '../platform/trace-settings.ts';
import { loadZones } from '../platform/zones.ts';
import { createCheckQuota } from './check-quota.ts';
import { createKeys } from './keys.ts';
import { createOutlet, OUTLET_LIMITS } from './outlet.ts';
import { type Collector, startCollector } from './server.ts';
import { createRequestTraces } from './request-traces.ts';
import { createSay } from './say.ts';
import type { Shop } from './shop.ts';
import { createTake } from './take.ts';
import { createVisitorHashes } from './visitor-hashes.ts';
import { troublesOf } from './troubles.ts';
import { createVisitorSessions } from './visitor-sessions.ts';
import { type CollectWatch, NO_COLLECT_WATCH } from './watch.ts';

export type CollectConfig = Config & { readonly NATS_URL: string; readonly REDIS_URL: string };

export interface RunOptions {
  readonly port: number;
  /** What sets the port, for the error where it is taken. */
  readonly portFlag: string;
  /** Where trackers find it; that of another process, out of a file, does not count. */
  readonly publicUrl?: string | undefined;
  /** The demo's, if it is wanted. */
  readonly shop?: Shop | undefined;
  /** Told of what it takes and refuses. */
  readonly watch?: CollectWatch | undefined;
}

/**
 * Listens once the keys of all projects are known.
 * @throws SojournError `SJ_SERVER_UNREACHABLE`, `SJ_MIGRATION`, `SJ_SERVER_START`
 */
export async function runCollector(
  config: CollectConfig,
  log: Logger,
  { port, portFlag, publicUrl, shop, watch = NO_COLLECT_WATCH }: RunOptions,
): Promise<Collector> {
  const closers = createClosers(log);
  try {
    const nats = await connectNats(config, 'sojourn collect', log);
    closers.add('nats', () => nats.connection.close());
    const redis = connectRedis(config, log);
    closers.add('redis', () => {
      redis.disconnect();
      return Promise.resolve();
    });
    const settings = await followBucket(nats, loadZones().isZone, log);
    closers.add('settings', () => settings.stop());
    const quotas = followQuotas({
      ...{ nats, log },
      all: () => settings.all(),
      settingsOf: (project) => settings.settingsOf(project),
      steadyNow,
      now: Date.now,
    });
    closers.add('quotas', () => {
      quotas.stop();
      return Promise.resolve();
    });
    const checkQuota = createCheckQuota(quotas, Date.now);
    const keys = createKeys(
      () => settings.all(),
      (projects) => {
        log.warn({ projects }, 'projects have the same key, the first one gets its events');
      },
    );
    const traces = wantsTraces(config) ? createRequestTraces() : undefined;
    const outlet = createOutlet(nats, log, OUTLET_LIMITS, traces?.current);
    const say = createSay(log, Date.now);
    const sessions = createVisitorSessions(redis, { idleMs: config.SESSION_IDLE_TIMEOUT });
    const collector = await startCollector(
      {
        keys,
        outlet,
        take: createTake({ outlet, sessions, say, watch, checkQuota }),
        checkQuota,
        hashes: createVisitorHashes(redis),
        log,
        ...{ say, watch, traces },
        now: Date.now,
      },
      {
        host: config.COLLECT_HOST,
        port,
        portFlag,
        publicUrl,
        trustedProxies: config.COLLECT_TRUSTED_PROXIES,
        shop,
      },
    );
    closers.add('collect', () => collector.close());
    return {
      url: collector.url,
      figures() {
        const { isConnected: isNatsConnected, ...underWay } = outlet.figures;
        return { ...underWay, isNatsConnected, isRedisConnected: redis.status === 'ready' };
      },
      troubles: () => troublesOf(outlet.figures.isConnected, nats, redis, config),
      close: () => closers.closeAll(),
    };
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}
