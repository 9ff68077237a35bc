import { expect } from 'chai';
import { metricsIn } from '../support/promql.ts';

describe('metrics in expressions of Prometheus', () => {
  for (const [expr, metrics] of [
    ['up{job=~"sojourn|nats"} == 0', ['up']],
    ['sum by (project, reason) (increase(a_total[10m] offset 10m)) > 0', ['a_total']],
    ['max by (server_name) (a_bytes / (b_bytes > 0)) > 0.8', ['a_bytes', 'b_bytes']],
    [
      'histogram_quantile(0.99, sum by (le) (rate(a_seconds_bucket[$__rate_interval])))',
      ['a_seconds_bucket'],
    ],
    ['a unless max_over_time(b{c="d"}[10m]) or on (e) f', ['a', 'b', 'f']],
    ['1 - a:b:rate5m / 1e9', ['a:b:rate5m']],
  ] as const) {
    it(`are found in ${expr}`, () => {
      expect(metricsIn(expr)).to.deep.equal(metrics);
    });
  }
});
