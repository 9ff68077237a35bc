/** What the page is asked, and who watches it. */
import type { Registry } from 'prom-client';
import type { PageFigures } from '../dashboard/live.ts';
import type { RequestWatch } from '../platform/request-watch.ts';
import { addFollowedGauges, type FollowedGauge } from './followed-gauges.ts';
import { addRequestMetrics } from './request-metrics.ts';

export interface PageMetrics {
  readonly watch: RequestWatch;
  /** Says where its figures are, once it runs. */
  follow(figures: () => PageFigures): void;
}

export function addPageMetrics(registry: Registry): PageMetrics {
  const watch = addRequestMetrics(registry, {
    name: 'dashboard',
    label: 'route',
    what: 'route',
    endless: ['/api/live'],
  });
  return { watch, follow: addFollowedGauges(registry, GAUGES) };
}

const GAUGES: readonly FollowedGauge<PageFigures>[] = [
  [
    'sojourn_dashboard_watchers',
    'Pages that are open, whose numbers move by themselves',
    ({ watchers }) => watchers,
  ],
  [
    'sojourn_dashboard_nats_connected',
    '1 while news come by NATS, else 0: also while nobody watches',
    ({ hasNews }) => Number(hasNews),
  ],
];
