/** News of a project's numbers, from NATS: a plain subscription to `metrics.updated.<project>`. */
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/log.ts';
import { linkChanges } from '../platform/nats-link.ts';
import { connectNats } from '../platform/nats.ts';
import { toError } from '../shared/errors.ts';
import { metricsUpdatedSubject } from '../shared/ids.ts';
import type { News } from './live.ts';

/** @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function connectNews(
  config: Config & { readonly NATS_URL: string },
  log: Logger,
): Promise<News> {
  const { connection } = await connectNats(config, 'sojourn dashboard', log);
  const listeners = new Set<() => void>();
  let isConnected = true;

  async function follow(): Promise<void> {
    for await (const { type } of linkChanges(connection)) {
      isConnected = type === 'reconnect';
      if (!isConnected) continue;
      // What was said meanwhile, nobody has heard.
      for (const listener of listeners) listener();
    }
  }
  follow().catch((error: unknown) => {
    log.error({ err: toError(error) }, 'nats status watch of the dashboard ended');
  });

  return {
    subscribe(project, onNews) {
      const subscription = connection.subscribe(metricsUpdatedSubject(project), {
        callback: (error) => {
          if (error === null) onNews();
        },
      });
      listeners.add(onNews);
      return () => {
        listeners.delete(onNews);
        subscription.unsubscribe();
      };
    },
    isConnected: () => isConnected && !connection.isClosed(),
    close: () => connection.close(),
  };
}
