/**
 * The page: files, API and live news on one port. Reads ClickHouse as the BI user and changes nothing.
 * On the loopback interface unless told otherwise, and then only with a password.
 */
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyHelmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import type { Logger } from '../platform/log.ts';
import { listen } from '../platform/listen.ts';
import type { RequestWatch } from '../platform/request-watch.ts';
import { SojournError, toError } from '../shared/errors.ts';
import { AddressError } from './address.ts';
import { addExportRoute } from './export.ts';
import { ClientGoneError, followClients } from './gone.ts';
import { createHostCheck } from './hosts.ts';
import { addLiveRoute } from './live-route.ts';
import type { Live, PageFigures } from './live.ts';
import { addLogin } from './login.ts';
import { addRoutes } from './routes.ts';
import type { SessionDeps } from './sessions.ts';

export interface DashboardOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** What sets the port, for the error where it is taken. */
  readonly portFlag: string;
  readonly password: string | undefined;
  /** Where people find it, if that is not where it listens. */
  readonly publicUrl: string | undefined;
}

export interface DashboardDeps extends SessionDeps {
  readonly live: Live;
  /** What is wrong with TLS or the login where ClickHouse cannot be asked; undefined where it is something else. */
  readonly faultOf: (error: unknown) => Promise<Error | undefined>;
  readonly log: Logger;
  /** Told of requests, by route. */
  readonly watch?: RequestWatch | undefined;
}

export interface Dashboard {
  readonly url: string;
  figures(): PageFigures;
  /** What keeps it from its work, a sentence each. */
  troubles(): Promise<readonly string[]>;
  /** Ends the streams, lets what is under way come to its end, and listens no more. */
  close(): Promise<void>;
}

const CLOSE_MS_MAX = 5_000;
/** Whoever asks whether it is ready is told in time, also of a database that takes the question and is silent. */
const PATIENCE_MS = 5_000;
const HEADERS_BYTES_MAX = 16 * 1024;

/** @throws SojournError `SJ_SERVER_START` where the port cannot be had */
export async function startDashboard(
  deps: DashboardDeps,
  options: DashboardOptions,
): Promise<Dashboard> {
  const app = await createApp(deps, options);
  const server = await listen(app, { ...options, closeMsMax: CLOSE_MS_MAX });
  return {
    ...server,
    figures: () => deps.live.figures(),
    async troubles() {
      const patience = AbortSignal.timeout(PATIENCE_MS);
      try {
        const sql = 'SELECT project FROM sojourn.sessions LIMIT 0';
        await deps.database.rows({ sql, params: {} }, patience);
        return [];
      } catch (error) {
        if (patience.aborted) return [`ClickHouse: no answer within ${PATIENCE_MS / 1_000} s`];
        // The sentence about a fault begins with the server.
        const fault = await deps.faultOf(error).catch(() => undefined);
        return [fault?.message ?? `ClickHouse: ${toError(error).message}`];
      }
    },
  };
}

async function createApp(deps: DashboardDeps, options: DashboardOptions): Promise<FastifyInstance> {
  const { log } = deps;
  const isSecure = options.publicUrl?.startsWith('https:') ?? false;
  const app = fastify({
    // Its own log would be a line a request.
    logger: false,
    forceCloseConnections: 'idle',
    bodyLimit: HEADERS_BYTES_MAX,
    http: { maxHeaderSize: HEADERS_BYTES_MAX },
    routerOptions: { maxParamLength: 200 },
  });
  const isOurs = createHostCheck(options.publicUrl);
  app.addHook('onRequest', async (request, reply) => {
    if (isOurs(request.headers.host)) return;
    await reply.code(421).send({
      error: 'this server is not called so; set DASHBOARD_URL to the address that people use',
    });
  });
  // A page of somebody else's may not have this browser ask for numbers, though it could not read the answers.
  app.addHook('onRequest', async (request, reply) => {
    if (!request.url.startsWith('/api/')) return;
    if (request.headers['sec-fetch-site'] !== 'cross-site') return;
    await reply.code(403).send({ error: 'asked by a page of another site' });
  });
  const { watch } = deps;
  if (watch !== undefined) {
    app.addHook('onResponse', (request, reply, done) => {
      watch.answered(request.routeOptions.url ?? '(none)', reply.statusCode, reply.elapsedTime);
      done();
    });
  }
  followClients(app);
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    strictTransportSecurity: isSecure,
    referrerPolicy: { policy: 'same-origin' },
    xFrameOptions: { action: 'deny' },
  });
  app.addHook('onSend', async (request, reply) => {
    if (request.url.startsWith('/api/') && !reply.hasHeader('cache-control')) {
      reply.header('cache-control', 'no-store');
    }
  });
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const { status, message } = explain(error);
    if (status >= 500) log.warn({ err: error }, 'the page could not answer');
    return reply.code(status).send({ error: message });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not found' }));
  await addFiles(app);
  await addLogin(app, { password: options.password, isSecure, now: deps.now });
  addRoutes(app, deps, { hasLogin: options.password !== undefined });
  addExportRoute(app, deps);
  addLiveRoute(app, deps.live, deps.now);
  return app;
}

/** The page as it lies there, and the two libraries it uses. No build: a browser asks again with each start. */
async function addFiles(app: FastifyInstance): Promise<void> {
  const common = { cacheControl: true, maxAge: 0, index: false as const };
  await app.register(fastifyStatic, { ...common, root: pageFolder(), index: 'index.html' });
  const require = createRequire(import.meta.url);
  const libraries = { uplot: 'uplot', htm: 'htm/preact' };
  for (const [name, module] of Object.entries(libraries)) {
    const root = dirname(require.resolve(module));
    await app.register(fastifyStatic, {
      ...common,
      root,
      prefix: `/vendor/${name}/`,
      decorateReply: false,
    });
  }
}

/** Beside this file; in an image, whose code is in dist/, in the sources' folder. */
function pageFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return here.includes(`${sep}dist${sep}`)
    ? join(here, '..', '..', 'dashboard', 'page')
    : join(here, 'page');
}

function explain(error: FastifyError): { readonly status: number; readonly message: string } {
  // The status that proxies log for it.
  if (error instanceof ClientGoneError) return { status: 499, message: error.message };
  if (error instanceof AddressError) return { status: 400, message: error.message };
  if (error instanceof SojournError) {
    const statuses: Partial<Record<SojournError['code'], number>> = {
      SJ_NOT_FOUND: 404,
      SJ_TIMEOUT: 504,
      SJ_SERVER_UNREACHABLE: 503,
    };
    return { status: statuses[error.code] ?? 500, message: error.message };
  }
  const status = error.statusCode ?? 500;
  return {
    status,
    message: status < 500 ? error.message : 'something went wrong here; the log says what',
  };
}
