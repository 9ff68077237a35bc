/** The embedded servers: obtaining, starting and stopping them. */
export {
  CLICKHOUSE_ADMIN,
  CLICKHOUSE_BI,
  CLICKHOUSE_MARTS,
  CLICKHOUSE_WRITER,
} from './clickhouse.ts';
export type { ClickhouseServer } from './clickhouse.ts';
export type { Secrets } from './data-dir.ts';
export type { Exit, RunningServer } from './guard.ts';
export type { NatsServer } from './nats.ts';
export type { Progress } from './obtain.ts';
export type { RedisServer } from './redis.ts';
export type { TemporalServer } from './temporal.ts';
export { freePort, freePorts } from './ports.ts';
export {
  obtainServers,
  SERVER_NAMES,
  startServers,
  type Binaries,
  type Ports,
  type ServerName,
  type Servers,
  type StartOptions,
} from './start-servers.ts';
