/** How the servers are called where people read of them. */
export const SERVER_TITLES = {
  nats: 'NATS',
  temporal: 'Temporal',
  clickhouse: 'ClickHouse',
  redis: 'Redis',
} as const;
