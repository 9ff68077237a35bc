/** Requests of a server of ours: how many by what they were for and how they were answered, and how long they took. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { RequestWatch } from '../platform/request-watch.ts';

export interface RequestMetrics {
  /** Of `sojourn_<name>_requests_total` and `sojourn_<name>_request_duration_seconds`. */
  readonly name: string;
  /** What requests are told apart by. */
  readonly label: string;
  readonly what: string;
  /** How these took says nothing: a stream that stays open. */
  readonly endless?: readonly string[];
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function addRequestMetrics(
  registry: Registry,
  { name, label, what, endless = [] }: RequestMetrics,
): RequestWatch {
  const registers = [registry];
  const requests = new Counter({
    name: `sojourn_${name}_requests_total`,
    help: `Requests answered, by ${what} and status`,
    labelNames: [label, 'status'],
    registers,
  });
  const durations = new Histogram({
    name: `sojourn_${name}_request_duration_seconds`,
    help: `Time until a request was answered, by ${what}`,
    labelNames: [label],
    buckets: SECONDS,
    registers,
  });
  return {
    answered(of, status, tookMs) {
      requests.inc({ [label]: of, status });
      if (!endless.includes(of)) durations.observe({ [label]: of }, tookMs / 1_000);
    },
  };
}
