/** Names of what servers tell Prometheus themselves, under which alerts and dashboards ask for it. */
import { readFileSync } from 'node:fs';

/** Made by Prometheus itself, of its targets and rules. */
const PROMETHEUS_OWN = ['up', 'ALERTS'] as const;

/**
 * What is asked of ClickHouse's endpoint. The embedded server has neither that nor the table behind it
 * (`system.asynchronous_metrics`), so the names are kept here. Those of single disks would be others since 26.8.
 */
const CLICKHOUSE = [
  'ClickHouseAsyncMetrics_FilesystemMainPathAvailableBytes',
  'ClickHouseAsyncMetrics_FilesystemMainPathTotalBytes',
] as const;

/** The release whose names are kept; that of docker-compose.yml (test/unit/compose.test.ts). */
export const NATS_EXPORTER = '0.17.3';

/** What NATS's exporter tells of JetStream: the names that `collector/jsz.go` of its release registers. */
export function natsExporterNames(): readonly string[] {
  const file = new URL(`../fixtures/nats-exporter-${NATS_EXPORTER}.txt`, import.meta.url);
  return readFileSync(file, 'utf8').trim().split('\n');
}

export function toldByServers(): readonly string[] {
  return [...PROMETHEUS_OWN, ...CLICKHOUSE, ...natsExporterNames()];
}
