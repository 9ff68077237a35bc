/** What keeps a collector from its work, a sentence each, as its health tells it. */
import type { Redis } from 'ioredis';
import type { Config } from '../platform/config.ts';
import { ConnectionFaultError } from '../platform/connection-fault.ts';
import { type Nats, natsTlsFault } from '../platform/nats.ts';
import { onMaster, whyRedisFailed } from '../platform/redis.ts';
import { writeFault } from '../platform/stream-health.ts';
import { reasonOf } from '../platform/unreachable.ts';
import { EVENTS_STREAM } from '../shared/ids.ts';

export async function troublesOf(
  isConnected: boolean,
  { jsm }: Pick<Nats, 'jsm'>,
  redis: Pick<Redis, 'set' | 'disconnect' | 'status'>,
  config: Config & { readonly NATS_URL: string },
): Promise<readonly string[]> {
  const outcomes = await Promise.all([
    told('NATS', async () => {
      if (isConnected) return streamTrouble(jsm);
      throw (await natsTlsFault(config)) ?? new Error('the connection is lost');
    }),
    told('Redis', async () => {
      // A replica, or a server that is full, answers a ping as well. The key is gone after a millisecond.
      await onMaster(redis, () => redis.set('collect:probe', '', 'PX', 1)).catch(
        async (error: unknown) => {
          throw await whyRedisFailed(config, redis, error);
        },
      );
      return undefined;
    }),
  ]);
  return outcomes.filter((trouble) => trouble !== undefined);
}

async function streamTrouble(jsm: Nats['jsm']): Promise<string | undefined> {
  const fault = await writeFault(jsm, EVENTS_STREAM);
  return fault === undefined
    ? undefined
    : `the stream ${EVENTS_STREAM} takes no messages: ${fault}`;
}

async function told(
  server: string,
  ask: () => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    const trouble = await ask();
    return trouble === undefined ? undefined : `${server}: ${trouble}`;
  } catch (error) {
    // The sentence about a fault begins with the server.
    return error instanceof ConnectionFaultError ? error.message : `${server}: ${reasonOf(error)}`;
  }
}
