/** All servers that an import talks to, opened together and closed in reverse. */
import type { Redis } from 'ioredis';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Client } from '@temporalio/client';
import { createPublisher, type Publisher } from '../operations/publisher.ts';
import { type BoundValues, createBoundValues } from '../activities/bound-values.ts';
import type { TableWriter } from '../activities/load-batch.ts';
import { type ClaimUsers, createClaimUsers } from '../platform/claim-users.ts';
import { connectClickHouse } from '../platform/clickhouse.ts';
import { type Config, requireReader, requireServers } from '../platform/config.ts';
import type { Logger } from '../platform/log.ts';
import { connectNats, type Nats } from '../platform/nats.ts';
import { connectRedis } from '../platform/redis.ts';
import { createClosers } from '../platform/shutdown.ts';
import { createTableWriter } from '../platform/table-writer.ts';
import { operatorIdentity } from '../platform/operator.ts';
import { connectTemporalNative } from '../platform/temporal-native.ts';
import { createValueStore } from '../platform/value-store.ts';

export interface ImportServers {
  readonly nats: Nats;
  readonly publisher: Publisher;
  readonly temporal: Awaited<ReturnType<typeof connectTemporalNative>>;
  readonly client: Client;
  readonly namespace: string;
  readonly redis: Redis;
  readonly claimUsers: ClaimUsers;
  readonly tables: TableWriter;
  readonly reader: ClickHouseClient;
  readonly admin: ClickHouseClient;
  readonly bound: BoundValues;
  close(): Promise<void>;
}

/** @throws SojournError `SJ_CONFIG` where an address or a login is missing; `SJ_SERVER_UNREACHABLE` */
export async function openServers(given: Config, log: Logger): Promise<ImportServers> {
  const config = requireServers(given, [
    'NATS_URL',
    'TEMPORAL_ADDRESS',
    'CLICKHOUSE_URL',
    'REDIS_URL',
  ]);
  requireReader(config);
  const closers = createClosers(log);
  try {
    const nats = await connectNats(config, 'sojourn import', log);
    closers.add('nats', () => nats.connection.close());
    const temporal = await connectTemporalNative(config, operatorIdentity());
    closers.add('temporal', () => temporal.connection.close());
    const redis = connectRedis(config, log);
    closers.add('redis', () => {
      redis.disconnect();
      return Promise.resolve();
    });
    const [writer, reader, admin] = (['writer', 'bi', 'admin'] as const).map((role) => {
      const client = connectClickHouse(config, role, { log });
      closers.add(`clickhouse, as ${role}`, () => client.close());
      return client;
    }) as [ClickHouseClient, ClickHouseClient, ClickHouseClient];
    const tables = createTableWriter(writer);
    return {
      ...{ nats, temporal, redis, tables, reader, admin },
      client: temporal.client,
      namespace: config.TEMPORAL_NAMESPACE,
      publisher: createPublisher(nats),
      claimUsers: createClaimUsers(redis),
      bound: createBoundValues(createValueStore(reader, tables), ({ set, valuesMax }) => {
        log.warn(
          { ...set, valuesMax },
          'dimension has too many values, more are filed under (other)',
        );
      }),
      close: () => closers.closeAll(),
    };
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}
