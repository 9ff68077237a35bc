/**
 * The HTTP way in for trackers. It answers once JetStream has acknowledged; where it cannot take something now it says
 * 503, or 429 over a quota, which trackers take for "again later". It keeps no state of its own.
 */
import { type FastifyError, type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import { listen } from '../platform/listen.ts';
import { OverQuotaError } from './check-quota.ts';
import type { CollectDeps } from './deps.ts';
import { addGa4 } from './ga4.ts';
import { addMatomo } from './matomo.ts';
import { NotNowError } from './outlet.ts';
import { addOwnEvents } from './own-events.ts';
import { addPlausible } from './plausible.ts';
import { addPosthog } from './posthog.ts';
import { BadRequestError, BODY_BYTES_MAX, unpacked } from './requests.ts';
import { addSegment } from './segment.ts';
import { addShop, type Shop } from './shop.ts';
import { addSnowplow } from './snowplow.ts';
import { addUmami } from './umami.ts';
import { type CollectFigures, NO_COLLECT_WATCH, type Refusal } from './watch.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whose route it is. */
    tracker?: string;
  }
}

export interface CollectOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** What sets the port, for the error where it is taken. */
  readonly portFlag: string;
  /** Where trackers find it, if that is not where it listens. */
  readonly publicUrl: string | undefined;
  /** Addresses of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Served under /shop/, for the demo. */
  readonly shop?: Shop | undefined;
}

/** The server alone. */
export interface CollectServer {
  readonly url: string;
  /** Takes no more, lets what is under way come to its end. */
  close(): Promise<void>;
}

/** With what it knows of itself. */
export interface Collector extends CollectServer {
  figures(): CollectFigures;
  /** What keeps it from its work, a sentence each. */
  troubles(): Promise<readonly string[]>;
}

/** Longer than the longest wait for an acknowledgement. */
const CLOSE_MS_MAX = 8_000;
/** Nobody holds a connection by sending a byte now and then. */
const REQUEST_MS_MAX = 30_000;
const RETRY_AFTER_SECONDS = '1';

/** @throws SojournError `SJ_SERVER_START` where the port cannot be had */
export async function startCollector(
  deps: CollectDeps,
  options: CollectOptions,
): Promise<CollectServer> {
  const app = createApp(deps, options);
  try {
    if (options.shop !== undefined) await addShop(app, options.shop);
  } catch (error) {
    await app.close();
    throw error;
  }
  const server = await listen(app, { ...options, closeMsMax: CLOSE_MS_MAX });
  return {
    url: server.url,
    async close() {
      await server.close();
      await deps.outlet.idle();
    },
  };
}

function createApp(deps: CollectDeps, { trustedProxies }: CollectOptions): FastifyInstance {
  const app = fastify({
    // Its own log would be a line a request, with addresses.
    logger: false,
    forceCloseConnections: 'idle',
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    // GETs of pictures bring a whole event.
    http: { maxHeaderSize: 64 * 1024 },
    routerOptions: { maxParamLength: 200, querystringParser: parseQuery },
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    // While it closes it still answers what has come in.
    return503OnClosing: true,
  });
  app.removeAllContentTypeParsers();
  // What a body is, its sender's content type often does not say.
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) =>
      unpacked(body, request.headers['content-encoding']),
  );
  app.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers;
    reply.header('access-control-allow-origin', origin ?? '*');
    if (origin !== undefined) {
      // Beacons bring a page's cookies whether anybody wants them or not; there are none here.
      reply.header('access-control-allow-credentials', 'true').header('vary', 'origin');
    }
    if (request.method !== 'OPTIONS') {
      done();
      return;
    }
    reply
      .code(204)
      .header('access-control-allow-methods', 'GET, POST, OPTIONS')
      .header(
        'access-control-allow-headers',
        request.headers['access-control-request-headers'] ?? 'content-type',
      )
      .header('access-control-max-age', '86400')
      .send();
  });
  deps.traces?.follow(app);
  // Waiting for the end of each answer costs something.
  if (deps.watch !== NO_COLLECT_WATCH) {
    app.addHook('onResponse', (request, reply, done) => {
      deps.watch.answered(trackerOf(request), reply.statusCode, reply.elapsedTime);
      done();
    });
  }
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = statusOf(error);
    deps.watch.refused(trackerOf(request), refusalOf(error, status));
    if (error instanceof OverQuotaError)
      reply.header('retry-after', String(error.retryAfterSeconds));
    if (status >= 500) reply.header('retry-after', RETRY_AFTER_SECONDS);
    if (status === 500) deps.log.error({ err: error }, 'a request could not be answered');
    const message = status === 500 ? 'something went wrong here' : error.message;
    const isUmami = request.url === '/api/send' || request.url === '/api/batch';
    return reply
      .code(status)
      .send({ error: isUmami ? { message, code: 'bad-request', status } : message });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not found' }));
  app.get('/health', () => ({ status: 'ok' }));
  // Where no route takes it, the hook above has answered.
  app.options('*', (_request, reply) => reply.send());
  let tracker: string | undefined;
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, ...(tracker !== undefined && { tracker }) };
  });
  for (const [name, add] of Object.entries(TRACKERS)) {
    tracker = name;
    add(app, deps);
  }
  tracker = undefined;
  return app;
}

/** By the names that metrics have for them. RudderStack's routes are Segment's. */
const TRACKERS: Readonly<Record<string, (app: FastifyInstance, deps: CollectDeps) => void>> = {
  own: addOwnEvents,
  segment: addSegment,
  snowplow: addSnowplow,
  plausible: addPlausible,
  umami: addUmami,
  matomo: addMatomo,
  posthog: addPosthog,
  ga4: addGa4,
};

function trackerOf(request: FastifyRequest): string {
  return request.routeOptions.config.tracker ?? '(none)';
}

function refusalOf(error: FastifyError, status: number): Refusal {
  if (error instanceof NotNowError || error instanceof BadRequestError) return error.reason;
  if (status === 413) return 'large';
  return status < 500 ? 'malformed' : 'error';
}

/** Of a repeated name the last counts. */
function parseQuery(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

function statusOf(error: FastifyError): number {
  if (error instanceof OverQuotaError) return 429;
  if (error instanceof NotNowError) return 503;
  if (error instanceof BadRequestError) return error.status;
  return error.statusCode ?? 500;
}
