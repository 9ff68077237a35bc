/** All benchmarks, in the order they run. */
import { apart } from './apart.bench.ts';
import { bi } from './bi.bench.ts';
import { collect } from './collect.bench.ts';
import { endurance } from './endurance.bench.ts';
import { fairness } from './fairness.bench.ts';
import { fields } from './fields.bench.ts';
import { growth } from './growth.bench.ts';
import { importBeside } from './import-beside.bench.ts';
import { importing } from './import.bench.ts';
import { importLive } from './import-live.bench.ts';
import { latency } from './latency.bench.ts';
import { live } from './live.bench.ts';
import { liveRate } from './live-rate.bench.ts';
import { loader } from './loader.bench.ts';
import { parse } from './parse.bench.ts';
import { pipeline } from './pipeline.bench.ts';
import { purge } from './purge.bench.ts';
import { replaced } from './replaced.bench.ts';
import type { Scenario } from './scenario.ts';
import { steady } from './steady.bench.ts';
import { workers } from './workers.bench.ts';

export const SCENARIOS: readonly Scenario[] = [
  pipeline,
  fields,
  replaced,
  latency,
  fairness,
  live,
  growth,
  loader,
  importing,
  importBeside,
  importLive,
  parse,
  bi,
  purge,
  collect,
  workers,
  apart,
  liveRate,
  steady,
  endurance,
];
