/** What a collector takes, refuses, and has under way. */
import { Counter, type Registry } from 'prom-client';
import type { CollectFigures, CollectWatch } from '../collect/watch.ts';
import { addFollowedGauges, type FollowedGauge } from './followed-gauges.ts';
import { addRequestMetrics } from './request-metrics.ts';

export interface CollectMetrics {
  readonly watch: CollectWatch;
  /** Says where its figures are, once it runs. */
  follow(figures: () => CollectFigures): void;
}

const GAUGES: readonly FollowedGauge<CollectFigures>[] = [
  [
    'sojourn_collect_waiting_requests',
    'Requests that wait for the acknowledgement of JetStream',
    ({ requests }) => requests,
  ],
  ['sojourn_collect_waiting_events', 'Events in them', ({ events }) => events],
  ['sojourn_collect_waiting_bytes', 'Bytes of these events', ({ bytes }) => bytes],
  [
    'sojourn_collect_nats_connected',
    '1 while the connection to NATS is there, else 0',
    ({ isNatsConnected }) => Number(isNatsConnected),
  ],
  [
    'sojourn_collect_redis_connected',
    '1 while the connection to Redis is there, else 0',
    ({ isRedisConnected }) => Number(isRedisConnected),
  ],
];

export function addCollectMetrics(registry: Registry): CollectMetrics {
  const registers = [registry];
  const requests = addRequestMetrics(registry, {
    name: 'collect',
    label: 'tracker',
    what: 'tracker',
  });
  const taken = new Counter({
    name: 'sojourn_collect_events_total',
    help: 'Events that JetStream has acknowledged, by tracker',
    labelNames: ['tracker'] as const,
    registers,
  });
  const refused = new Counter({
    name: 'sojourn_collect_refused_total',
    help: 'Requests, and events in them, that were not taken, by tracker and reason',
    labelNames: ['tracker', 'reason'] as const,
    registers,
  });
  return {
    watch: {
      ...requests,
      taken: (tracker, events) => {
        taken.inc({ tracker }, events);
      },
      refused: (tracker, reason, count = 1) => {
        refused.inc({ tracker, reason }, count);
      },
    },
    follow: addFollowedGauges(registry, GAUGES),
  };
}
