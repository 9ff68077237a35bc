/**
 * `sojourn up`: everything on this machine. Starts every server whose URL is not configured, brings
 * the schema up to date, runs ingest and worker, and undoes all of it at the end.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { Listr } from 'listr2';
import pc from 'picocolors';
import {
  cacheDir,
  type Config,
  envFile,
  type Environment,
  loadConfig,
  processEnvironment,
  requireServers,
} from '../platform/config.ts';
import { createLog, type Logger } from '../platform/log.ts';
import { longSleep } from '../platform/long-sleep.ts';
import { migrateAll } from '../platform/migrate.ts';
import { createClosers, untilSignal } from '../platform/shutdown.ts';
import {
  CLICKHOUSE_ADMIN,
  CLICKHOUSE_BI,
  CLICKHOUSE_MARTS,
  CLICKHOUSE_WRITER,
  obtainServers,
  type ServerName,
  type Servers,
  startServers,
} from '../servers/index.ts';
import { checkPassword } from '../dashboard/password.ts';
import { type Health, runHealth } from '../health/run.ts';
import { HEALTH_PORT_FLAG } from '../health/server.ts';
import type { Shop } from '../collect/shop.ts';
import { DEMO_KEY, DEMO_PROJECT } from '../demo/settings.ts';
import { startPurging } from '../operations/keep-purging.ts';
import { SojournError } from '../shared/errors.ts';
import { SEARCH_ATTRIBUTES } from '../shared/search-attributes.ts';
import { type Pipeline, startPipeline } from '../workers/pipeline.ts';
import { createProgress } from './progress.ts';

export interface UpOptions {
  readonly demo?: true | undefined;
  readonly for?: number | undefined;
  readonly dataDir: string;
  readonly natsPort: number;
  readonly temporalPort: number;
  readonly temporalUiPort: number;
  readonly clickhousePort: number;
  readonly redisPort: number;
  readonly dashboardPort: number;
  readonly healthPort: number;
  readonly collectPort: number;
}

/** Runs until a signal, until `--for` is over, or until a part of it breaks. */
export async function runUp(options: UpOptions): Promise<void> {
  const environment = processEnvironment();
  const given = loadConfig(environment);
  checkPassword(given);
  const log = createLog({ level: given.LOG_LEVEL });
  // Listened to from the first moment: Ctrl-C while a server is built must leave nothing behind.
  const signal = untilSignal(log);
  const closers = createClosers(log);
  const interruption = signal.then((): never => {
    throw new Interruption();
  });
  interruption.catch(() => undefined);

  try {
    const { servers, config, health } = await Promise.race([
      interruption,
      prepareServers(options, environment, given, log, closers),
    ]);
    const keeper = servers.keepRunning();
    closers.add('keeper', () => keeper.stop());
    // Not raced against the signal: what is half started could not be stopped.
    const pipeline = await startPipeline(config, log, ROLES, health.watch);
    closers.add('pipeline', () => pipeline.stop());
    health.started(pipeline);
    signal.then(
      () => {
        health.stopping();
      },
      () => undefined,
    );
    if (config.CLICKHOUSE_ADMIN_USER !== undefined) {
      const purging = startPurging(config, pipeline.nats, log);
      closers.add('purging', () => purging.stop());
    }
    print(describe(config, servers, options));
    const broken = Promise.race([interruption, keeper.failed]);
    await runUntilEnd(options, config, pipeline, broken, log, closers);
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
  } finally {
    await closers.closeAll();
  }
}

/** A signal came. */
class Interruption extends Error {}

const ROLES = { ingest: true, worker: true, collect: true, dashboard: true } as const;

const REQUIRED = ['NATS_URL', 'TEMPORAL_ADDRESS', 'CLICKHOUSE_URL', 'REDIS_URL'] as const;

type UpConfig = Config & { readonly [K in (typeof REQUIRED)[number]]: string };

async function prepareServers(
  options: UpOptions,
  environment: Environment,
  given: Config,
  log: Logger,
  closers: ReturnType<typeof createClosers>,
): Promise<{ servers: Servers; config: UpConfig; health: Health }> {
  const which = serversToStart(given);
  const cache = cacheDir(environment);
  let servers: Servers | undefined;
  let config: UpConfig | undefined;
  let dashboardUrl: string | undefined;
  let health: Health | undefined;
  let collectUrl: string | undefined;
  let noted: Record<string, string> = {};
  const progressOf = (task: { output: string }) => (name: string, what: string, usual?: string) => {
    task.output = `${name}: ${what}${usual === undefined ? '' : ` (${usual})`}`;
    log.debug({ server: name }, 'server progress');
  };
  const tasks = new Listr(
    [
      {
        title: 'Programs',
        task: async (_context, task) => {
          await obtainServers({ which, cacheDir: cache, log, progress: progressOf(task) });
        },
      },
      {
        title: 'Servers',
        task: async (_context, task) => {
          const started = await startServers({
            dataDir: options.dataDir,
            cacheDir: cache,
            which,
            ports: {
              nats: options.natsPort,
              temporal: options.temporalPort,
              temporalUi: options.temporalUiPort,
              clickhouse: options.clickhousePort,
              redis: options.redisPort,
            },
            alsoFree: [
              { port: options.dashboardPort, flag: DASHBOARD_FLAG },
              { port: options.healthPort, flag: HEALTH_PORT_FLAG },
              { port: options.collectPort, flag: COLLECT_FLAG },
            ],
            namespace: given.TEMPORAL_NAMESPACE,
            searchAttributes: temporalSearchAttributes(),
            log,
            progress: progressOf(task),
          });
          servers = started;
          closers.add('servers', () => started.stop());
          const found = addressesOf(started);
          config = requireServers(
            loadConfig({ ...found, ...definedOf(environment, Object.keys(environment)) }),
            REQUIRED,
          );
          const asked = await runHealth(config, log, { port: options.healthPort, roles: ROLES });
          health = asked;
          closers.add('health', () => asked.close());
          dashboardUrl = await serveDashboard(options, config, given, { log, closers, health });
          noted = {
            ...found,
            DASHBOARD_URL: dashboardUrl,
            HEALTH_URL: asked.url,
            ...definedOf(environment, Object.keys(config)),
          };
          writeEnvFile(options.dataDir, noted);
        },
      },
      {
        title: 'Schema',
        task: async () => {
          if (config === undefined || health === undefined) return;
          await migrateAll(config, log);
          const known = { ...config, DASHBOARD_URL: dashboardUrl };
          collectUrl = await serveCollector(options, known, given, { log, closers, health });
          writeEnvFile(options.dataDir, { ...noted, COLLECT_URL: collectUrl });
        },
      },
    ],
    { renderer: process.stderr.isTTY ? 'default' : 'simple', fallbackRenderer: 'simple' },
  );
  await tasks.run();
  if (
    servers === undefined ||
    config === undefined ||
    dashboardUrl === undefined ||
    health === undefined
  )
    throw new Error('servers were not started');
  const urls = { DASHBOARD_URL: dashboardUrl, COLLECT_URL: collectUrl, HEALTH_URL: health.url };
  return { servers, config: { ...config, ...urls }, health };
}

const DASHBOARD_FLAG = '--dashboard-port';
const COLLECT_FLAG = '--collect-port';

/** What a part of this process gets of it. */
interface Host {
  readonly log: Logger;
  readonly closers: ReturnType<typeof createClosers>;
  readonly health: Health;
}

/** Its code is loaded here: help and other commands do without. */
async function serveDashboard(
  { dashboardPort: port }: UpOptions,
  config: UpConfig,
  { DASHBOARD_URL: publicUrl }: Config,
  { log, closers, health }: Host,
): Promise<string> {
  const { runDashboard } = await import('../dashboard/run.ts');
  const dashboard = await runDashboard(config, log, {
    ...{ port, portFlag: DASHBOARD_FLAG, publicUrl },
    watch: health.pageWatch,
  });
  closers.add('dashboard', () => dashboard.close());
  health.follow({ dashboard });
  return dashboard.url;
}

/** After the schema: it reads the keys of all projects before it listens. */
async function serveCollector(
  { collectPort: port, demo }: UpOptions,
  config: UpConfig,
  { COLLECT_URL: publicUrl }: Config,
  { log, closers, health }: Host,
): Promise<string> {
  const { runCollector } = await import('../collect/run.ts');
  const collector = await runCollector(config, log, {
    port,
    portFlag: COLLECT_FLAG,
    publicUrl,
    shop: demo === true ? shopOf(config) : undefined,
    watch: health.collectWatch,
  });
  closers.add('collect', () => collector.close());
  health.follow({ collector });
  return collector.url;
}

/** The shop that comes with the demo. */
function shopOf(config: UpConfig): Shop {
  return {
    project: DEMO_PROJECT,
    key: DEMO_KEY,
    dashboardUrl: config.DASHBOARD_URL,
    temporalUiUrl: config.TEMPORAL_UI_URL,
    temporalNamespace: config.TEMPORAL_NAMESPACE,
  };
}

function serversToStart(config: Config): Set<ServerName> {
  const which = new Set<ServerName>();
  if (config.NATS_URL === undefined) which.add('nats');
  if (config.TEMPORAL_ADDRESS === undefined) which.add('temporal');
  if (config.CLICKHOUSE_URL === undefined) which.add('clickhouse');
  if (config.REDIS_URL === undefined) which.add('redis');
  return which;
}

/** The types as the dev server's command line spells them. */
function temporalSearchAttributes(): Record<string, string> {
  const spelling = { KEYWORD: 'Keyword', BOOL: 'Bool' } as const;
  return Object.fromEntries(
    Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, spelling[type]]),
  );
}

/** What was started, as environment variables. */
function addressesOf(servers: Servers): Record<string, string> {
  const { nats, temporal, clickhouse, redis, secrets } = servers;
  return {
    ...(nats && { NATS_URL: nats.url }),
    ...(temporal && { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_UI_URL: temporal.uiUrl }),
    ...(clickhouse && {
      CLICKHOUSE_URL: clickhouse.url,
      CLICKHOUSE_ADMIN_USER: CLICKHOUSE_ADMIN,
      CLICKHOUSE_ADMIN_PASSWORD: secrets.clickhouse.adminPassword,
      CLICKHOUSE_WRITER_USER: CLICKHOUSE_WRITER,
      CLICKHOUSE_WRITER_PASSWORD: secrets.clickhouse.writerPassword,
      CLICKHOUSE_BI_USER: CLICKHOUSE_BI,
      CLICKHOUSE_BI_PASSWORD: secrets.clickhouse.biPassword,
      CLICKHOUSE_MARTS_USER: CLICKHOUSE_MARTS,
      CLICKHOUSE_MARTS_PASSWORD: secrets.clickhouse.martsPassword,
    }),
    ...(redis && { REDIS_URL: redis.url }),
  };
}

/** Settings that the environment made, so that the other commands find them too. */
function definedOf(environment: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}

function writeEnvFile(dataDir: string, variables: Record<string, string>): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(envFile(dataDir), lines.join(''), { mode: 0o600 });
  // The mode above counts for a new file only.
  chmodSync(envFile(dataDir), 0o600);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function describe(config: UpConfig, servers: Servers, { dataDir, demo }: UpOptions): string {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['NATS_URL', config.NATS_URL],
    ['TEMPORAL_ADDRESS', config.TEMPORAL_ADDRESS],
    ['TEMPORAL_UI_URL', config.TEMPORAL_UI_URL],
    ['CLICKHOUSE_URL', config.CLICKHOUSE_URL],
    ...(servers.clickhouse
      ? ([
          ['CLICKHOUSE_BI_USER', config.CLICKHOUSE_BI_USER],
          ['CLICKHOUSE_BI_PASSWORD', config.CLICKHOUSE_BI_PASSWORD],
        ] as const)
      : []),
    ['REDIS_URL', config.REDIS_URL],
    ['DASHBOARD_URL', config.DASHBOARD_URL],
    ['HEALTH_URL', config.HEALTH_URL],
    ['COLLECT_URL', config.COLLECT_URL],
    ...(demo === true
      ? ([
          ['COLLECT_KEY', DEMO_KEY],
          ['SHOP_URL', `${config.COLLECT_URL ?? ''}/shop/`],
        ] as const)
      : []),
  ];
  const lines = rows.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return [
    pc.bold('Sojourn is running.'),
    ...lines,
    pc.dim(`All of it, passwords too, is in ${envFile(dataDir)}`),
  ].join('\n');
}

async function runUntilEnd(
  options: UpOptions,
  config: UpConfig,
  pipeline: Pipeline,
  broken: Promise<never>,
  log: Logger,
  closers: ReturnType<typeof createClosers>,
): Promise<void> {
  const ending = endOf(options, pipeline, broken);
  // Whoever waits for it hears of it; until then it is nobody's.
  ending.catch(() => undefined);
  if (options.demo === true) {
    await beginDemo(config, pipeline, ending, log, closers);
  }
  if (process.stdout.isTTY) {
    const { startSummary } = await import('./summary.ts');
    const summary = startSummary(config, pipeline, log);
    closers.add('summary', () => summary.stop());
  }
  await ending;
}

/** Ends when the demo has a past and goes on live: on a terminal a bar says how far it is. */
async function beginDemo(
  config: UpConfig,
  pipeline: Pipeline,
  ending: Promise<unknown>,
  log: Logger,
  closers: ReturnType<typeof createClosers>,
): Promise<void> {
  const [{ runDemo }, { PAST_DAYS }] = await Promise.all([
    import('../demo/run-demo.ts'),
    import('../demo/past-days.ts'),
  ]);
  const progress = createProgress(`${PAST_DAYS} days of visits before today`, PAST_DAYS);
  const demo = runDemo({
    config,
    nats: pipeline.nats,
    log,
    onProgress: (days, sessions) => {
      progress.update(days, `${sessions} sessions`);
    },
  });
  closers.add('demo', () => demo.stop());
  try {
    await Promise.race([demo.begun, ending]);
  } finally {
    progress.stop();
  }
}

/** A part of it broke, or its time is up. */
async function endOf(
  { for: forMs }: UpOptions,
  pipeline: Pipeline,
  broken: Promise<never>,
): Promise<void> {
  const timeUp = forMs === undefined ? undefined : longSleep(forMs, { ref: false });
  await Promise.race([
    broken,
    pipeline.finished.then(() => {
      throw new SojournError('SJ_SERVER_UNREACHABLE', 'a part of the pipeline ended by itself');
    }),
    ...(timeUp === undefined ? [] : [timeUp]),
  ]);
}
