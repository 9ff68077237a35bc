/** What keeps a collector from its work, a sentence each, as its health tells it. */
import type { Redis } from 'ioredis';
import type { Nats } from '../platform/nats.ts';
import { onMaster } from '../platform/redis.ts';
import { writeFault } from '../platform/stream-health.ts';
import { reasonOf } from '../platform/unreachable.ts';
import { EVENTS_STREAM } from '../shared/ids.ts';

export async function troublesOf(
  isConnected: boolean,
  { jsm }: Pick<Nats, 'jsm'>,
  redis: Pick<Redis, 'set' | 'disconnect'>,
): Promise<readonly string[]> {
  const outcomes = await Promise.all([
    isConnected ? told('NATS', () => streamTrouble(jsm)) : 'NATS: the connection is lost',
    told('Redis', async () => {
      // A replica, or a server that is full, answers a ping as well. The key is gone after a millisecond.
      await onMaster(redis, () => redis.set('collect:probe', '', 'PX', 1));
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
    return `${server}: ${reasonOf(error)}`;
  }
}
