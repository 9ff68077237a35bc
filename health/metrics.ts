/**
 * The metrics of a process, as Prometheus reads them. What passes through is counted as it passes; what the servers
 * know is asked when somebody scrapes, so a process that nobody scrapes asks nothing. docs/health.md lists them all.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { NO_COLLECT_WATCH } from '../collect/watch.ts';
import { usedPart } from '../operations/observe.ts';
import type { RequestWatch } from '../platform/request-watch.ts';
import { NO_WATCH, type Watch } from '../platform/watch.ts';
import type { IngestFigures } from '../workers/ingest/ingest.ts';
import { addCollectMetrics, type CollectMetrics } from './collect-metrics.ts';
import type { Look, Looker } from './look.ts';
import { addPageMetrics, type PageMetrics } from './page-metrics.ts';
import { labelOfReason } from './reasons.ts';

export interface Metrics {
  readonly watch: Watch;
  /** Says where the figures of ingest are, once it runs. */
  follow(ingest: IngestSource): void;
  readonly collect: CollectMetrics;
  readonly page: PageMetrics;
  /** All of them as text. */
  text(): Promise<string>;
  readonly contentType: string;
}

export interface IngestSource {
  readonly figures: Readonly<IngestFigures>;
  /** Events that are held, by project. */
  readonly heldByProject: ReadonlyMap<string, number>;
  /** How long the session that has failed for longest has not taken what is held for it; 0 where none fails. */
  readonly longestFailingMs: number;
}

/** More projects than this share one label: each label is a series that Prometheus keeps. */
const PROJECTS_MAX = 500;
const OTHER = '(other)';
const EVENT_LOOP_PRECISION_MS = 100;
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const RECORDS = [1, 10, 100, 1_000, 10_000];

/** What a process does, and so has metrics of. */
export interface MetricsOf {
  /** Of ingest and workers: asks what the servers say. */
  readonly looker?: Looker | undefined;
  readonly collect?: boolean;
  readonly dashboard?: boolean;
  /** What it runs besides its health, by name. */
  readonly parts?: readonly string[];
  /** False while it starts or stops. */
  readonly isRunning?: () => boolean;
}

export function createMetrics({
  looker,
  collect,
  dashboard,
  parts = [],
  isRunning = () => true,
}: MetricsOf): Metrics {
  const registry = new Registry();
  new Gauge({
    name: 'sojourn_part_running',
    help: '1 for each part that this process runs, 0 while it starts or stops',
    labelNames: ['part'] as const,
    registers: [registry],
    collect() {
      for (const part of parts) this.set({ part }, isRunning() ? 1 : 0);
    },
  });
  collectDefaultMetrics({
    register: registry,
    eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS,
  });
  return {
    ...(looker === undefined ? NO_PIPELINE : addPipelineMetrics(registry, looker)),
    collect: collect === true ? addCollectMetrics(registry) : NO_COLLECT,
    page: dashboard === true ? addPageMetrics(registry) : NO_PAGE,
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

const follow = () => undefined;
const NO_PIPELINE = { watch: NO_WATCH, follow };
const NO_COLLECT: CollectMetrics = { watch: NO_COLLECT_WATCH, follow };
const NO_REQUESTS: RequestWatch = { answered: () => undefined };
const NO_PAGE: PageMetrics = { watch: NO_REQUESTS, follow };

function addPipelineMetrics(registry: Registry, looker: Looker): Pick<Metrics, 'watch' | 'follow'> {
  const registers = [registry];
  let ingest: IngestSource | undefined;
  const projects = new Set<string>();
  const labelOfProject = (project: string) => {
    if (projects.size < PROJECTS_MAX) projects.add(project);
    return projects.has(project) ? project : OTHER;
  };

  const deliveries = new Histogram({
    name: 'sojourn_delivery_duration_seconds',
    help: 'Time until a session took a batch, by what it took',
    labelNames: ['how'] as const,
    buckets: SECONDS,
    registers,
  });
  const failures = new Counter({
    name: 'sojourn_delivery_failures_total',
    help: 'Batches that were not taken, and were tried again or given up',
    registers,
  });
  const letters = new Counter({
    name: 'sojourn_dead_letters_total',
    help: 'Dead letters kept by this process, by project and by what the reason names',
    labelNames: ['project', 'reason'] as const,
    registers,
  });
  const loads = new Histogram({
    name: 'sojourn_load_duration_seconds',
    help: 'Time that a load of differences into ClickHouse took',
    buckets: SECONDS,
    registers,
  });
  const loadSizes = new Histogram({
    name: 'sojourn_load_records',
    help: 'Differences in a load',
    buckets: RECORDS,
    registers,
  });
  const repeats = new Counter({
    name: 'sojourn_load_retries_total',
    help: 'Loads begun once more, since an attempt before did not come to its end',
    registers,
  });
  const ends = new Counter({
    name: 'sojourn_sessions_ended_total',
    help: 'Sessions that ended, by why; a reopened one once more',
    labelNames: ['reason'] as const,
    registers,
  });
  for (const [name, figure, help] of INGEST_COUNTERS) {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(ingest?.figures[figure] ?? 0);
      },
    });
  }
  new Gauge({
    name: 'sojourn_held_events',
    help: 'Events that ingest holds for their sessions, by project',
    labelNames: ['project'] as const,
    registers,
    collect() {
      this.reset();
      for (const [project, held] of ingest?.heldByProject ?? []) {
        this.inc({ project: labelOfProject(project) }, held);
      }
    },
  });
  new Gauge({
    name: 'sojourn_longest_failing_session_seconds',
    help: 'How long the session that has failed for longest has not taken its events; 0 where none fails',
    registers,
    collect() {
      if (ingest === undefined) this.remove();
      else this.set(ingest.longestFailingMs / 1_000);
    },
  });
  addServerGauges(registry, { look: () => looker.look(), labelOfProject });

  return {
    watch: {
      delivered: (how, tookMs) => {
        deliveries.observe({ how }, tookMs / 1_000);
      },
      deliveryFailed: () => {
        failures.inc();
      },
      deadLetter: (project, reason) => {
        letters.inc({ project: labelOfProject(project), reason: labelOfReason(reason) });
      },
      loaded: (records, tookMs) => {
        loads.observe(tookMs / 1_000);
        loadSizes.observe(records);
      },
      loadRepeated: () => {
        repeats.inc();
      },
      sessionEnded: (reason) => {
        ends.inc({ reason });
      },
    },
    follow(source) {
      ingest = source;
    },
  };
}

const INGEST_COUNTERS = [
  ['sojourn_ingest_messages_total', 'messages', 'Messages taken from EVENTS'],
  ['sojourn_ingest_events_total', 'events', 'Good events in them'],
  ['sojourn_forgotten_events_total', 'forgotten', 'Events of people who are forgotten, not taken'],
  ['sojourn_sessions_started_total', 'started', 'Sessions begun'],
  ['sojourn_sessions_reopened_total', 'reopened', 'Sessions reopened by a late event'],
] as const;

/** A figure of the servers that nobody knows just now is left out, not 0. */
const SERVER_GAUGES: readonly (readonly [
  name: string,
  help: string,
  of: (look: Look) => number | null,
])[] = [
  [
    'sojourn_oldest_unloaded_event_age_seconds',
    'Age of the oldest event, or difference, that waits on its way to ClickHouse; 0 where none does. The one number to watch',
    ({ oldestUnloadedMs }) => (oldestUnloadedMs === null ? null : oldestUnloadedMs / 1_000),
  ],
  [
    'sojourn_events_pending',
    'Events in EVENTS that nobody has taken yet',
    ({ status }) => status.events.pending,
  ],
  [
    'sojourn_events_unacknowledged',
    'Events taken and not acknowledged yet',
    ({ status }) => status.events.unacknowledged,
  ],
  [
    'sojourn_events_redelivered',
    'Of those, as many were delivered more than once',
    ({ redelivered }) => redelivered,
  ],
  [
    'sojourn_events_stored_bytes',
    'Bytes that EVENTS holds, where it has a limit',
    ({ status }) => status.eventsRoom?.bytes ?? null,
  ],
  [
    'sojourn_events_stored_bytes_max',
    'Bytes that EVENTS may hold, where it has a limit',
    ({ status }) => status.eventsRoom?.bytesMax ?? null,
  ],
  [
    'sojourn_differences_pending',
    'Differences that are not in ClickHouse yet',
    ({ status }) => status.differences.pending,
  ],
  ['sojourn_sessions_open', 'Sessions that run in Temporal', ({ status }) => status.sessions.open],
  [
    'sojourn_imports_running',
    'Imports of history that are not done, paused ones too',
    ({ imports }) => imports,
  ],
  ['sojourn_dead_letters_stored', 'Messages in DEADLETTERS', ({ status }) => status.deadLetters],
];

interface ServerGauges {
  readonly look: () => Promise<Look>;
  readonly labelOfProject: (project: string) => string;
}

function addServerGauges(registry: Registry, { look, labelOfProject }: ServerGauges): void {
  const registers = [registry];
  new Gauge({
    name: 'sojourn_server_up',
    help: '1 where the server answers and takes what it is given, else 0',
    labelNames: ['server'] as const,
    registers,
    async collect() {
      const { servers } = (await look()).status;
      for (const [server, { reachable, url }] of Object.entries(servers)) {
        // What an ingest has no address of it does without: that is not away.
        if (url !== undefined) this.set({ server }, reachable ? 1 : 0);
      }
    },
  });
  new Gauge({
    name: 'sojourn_quota_used_ratio',
    help: 'Part of its quota that a project has used today (UTC), 1 where it is used up',
    labelNames: ['project'] as const,
    registers,
    async collect() {
      const { quotas = [] } = (await look()).status;
      this.reset();
      const used = new Map<string, number>();
      for (const use of quotas) {
        const project = labelOfProject(use.project);
        // Of those that share a label the one that has used most.
        used.set(project, Math.max(used.get(project) ?? 0, usedPart(use)));
      }
      for (const [project, part] of used) this.set({ project }, part);
    },
  });
  for (const [name, help, of] of SERVER_GAUGES) {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.reset();
        const value = of(await look());
        if (value === null) this.remove();
        else this.set(value);
      },
    });
  }
}
