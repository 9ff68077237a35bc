/** Who is there now, as server-sent events: an event `now` at once and with every change. */
import type { FastifyInstance } from 'fastify';
import { parseProject } from './address.ts';
import type { Live } from './live.ts';
import { loginEndOf } from './login.ts';
import { parametersOf } from './routes.ts';

/** What a reader that does not read may leave lying here. */
const UNREAD_BYTES_MAX = 64 * 1024;
/** Below the patience of most proxies. */
const KEEP_ALIVE_MS = 20_000;
const RECONNECT_MS = 2_000;

export function addLiveRoute(app: FastifyInstance, live: Live, now: () => number): void {
  const open = new Set<() => void>();

  app.get('/api/now', (request) => live.read(parseProject(parametersOf(request))));

  app.get('/api/live', (request, reply) => {
    const project = parseProject(parametersOf(request));
    const { raw } = reply;
    // Told before the stream has begun: to who comes second, at once.
    const waiting: string[] = [];
    const leave = live.watch(project, (now) => {
      send(`id: ${now.asOf}\nevent: now\ndata: ${JSON.stringify(now)}\n\n`);
    });
    if (leave === undefined) {
      return reply
        .code(503)
        .header('retry-after', '30')
        .send({ error: 'too many pages are open at once; numbers do not move by themselves here' });
    }
    const keepAlive = setInterval(() => {
      send(': still here\n\n');
    }, KEEP_ALIVE_MS);
    const loginEnd = loginEndOf(request);
    // The page comes back, and has to log in.
    const untilLoginEnds =
      loginEnd === undefined
        ? undefined
        : setTimeout(() => {
            end();
          }, loginEnd - now());
    const end = () => {
      clearInterval(keepAlive);
      clearTimeout(untilLoginEnds);
      leave();
      open.delete(end);
      raw.end();
    };
    open.add(end);
    raw.on('close', end);

    function send(text: string): void {
      if (raw.destroyed || raw.writableEnded) return;
      // It comes back, and gets what counts then.
      if (raw.writableLength > UNREAD_BYTES_MAX) raw.destroy();
      else if (raw.headersSent) raw.write(text);
      else waiting.push(text);
    }

    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) raw.setHeader(name, value);
    }
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Nginx would keep it until it has enough.
      'x-accel-buffering': 'no',
    });
    raw.write(`retry: ${RECONNECT_MS}\n\n`);
    for (const text of waiting) raw.write(text);
    return undefined;
  });

  // Streams never end by themselves, and a server waits for all that is open.
  app.addHook('preClose', (done) => {
    for (const end of open) end();
    done();
  });
}
