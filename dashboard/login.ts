/**
 * The login: one password for all who may look. Who has given it gets a cookie, signed with a key that
 * lives as long as the process; it says until when it holds, and nothing else.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import fastifyCookie from '@fastify/cookie';
import fastifyRateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export interface LoginOptions {
  /** undefined: everybody may look. */
  readonly password: string | undefined;
  /** Whether people come by https, and the cookie may go no other way. */
  readonly isSecure: boolean;
  readonly now: () => number;
}

const COOKIE = 'sojourn_dashboard';
const HOLDS_MS = 12 * 3_600_000;
const TRIES_A_MINUTE = 10;
const BODY_BYTES_MAX = 4_096;
/** What who has not logged in may see: the form, and what it looks like. */
const OPEN_PATHS: ReadonlySet<string> = new Set([
  '/login',
  '/login.html',
  '/page.css',
  '/theme.js',
  '/icon.svg',
]);

/** Puts the login before all routes that are added later. */
export async function addLogin(app: FastifyInstance, options: LoginOptions): Promise<void> {
  const { password, isSecure, now } = options;
  if (password === undefined) return;
  await app.register(fastifyCookie, { secret: randomBytes(32).toString('hex') });
  await app.register(fastifyRateLimit, { global: false });
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: BODY_BYTES_MAX },
    (_request, body, done) => {
      done(null, Object.fromEntries(new URLSearchParams(String(body))));
    },
  );

  app.addHook('onRequest', async (request, reply) => {
    if (OPEN_PATHS.has(pathOf(request))) return;
    const endsAt = loginOf(request);
    if (endsAt > now()) {
      loginEnds.set(request, endsAt);
      return;
    }
    if (pathOf(request).startsWith('/api/')) {
      await reply.code(401).send({ error: 'log in first' });
      return;
    }
    await reply.redirect(`/login?next=${encodeURIComponent(request.url)}`, 303);
  });

  app.get('/login', (_request, reply) => reply.sendFile('login.html'));
  app.post(
    '/login',
    { config: { rateLimit: { max: TRIES_A_MINUTE, timeWindow: '1 minute' } } },
    async (request, reply) => {
      const form = (request.body ?? {}) as Readonly<Record<string, string | undefined>>;
      const next = localPath(form['next']);
      if (!isSame(form['password'] ?? '', password)) {
        return reply.redirect(`/login?wrong=1&next=${encodeURIComponent(next)}`, 303);
      }
      setCookie(reply, `${now() + HOLDS_MS}`);
      return reply.redirect(next, 303);
    },
  );
  app.post('/logout', async (_request, reply) => {
    reply.clearCookie(COOKIE, { path: '/' });
    return reply.redirect('/login', 303);
  });

  function setCookie(reply: FastifyReply, value: string): void {
    reply.setCookie(COOKIE, value, {
      path: '/',
      httpOnly: true,
      // Lax: a link that somebody sends opens for who is logged in; nothing here changes by a GET.
      sameSite: 'lax',
      secure: isSecure,
      signed: true,
      maxAge: HOLDS_MS / 1_000,
    });
  }
}

/** Until when it holds, epoch milliseconds; 0 without one. */
function loginOf(request: FastifyRequest): number {
  const cookie = request.cookies[COOKIE];
  if (cookie === undefined) return 0;
  const { valid, value } = request.unsignCookie(cookie);
  return valid ? Number(value) : 0;
}

const loginEnds = new WeakMap<FastifyRequest, number>();

/** When the login ends by which this was asked, epoch milliseconds; undefined where everybody may look. */
export function loginEndOf(request: FastifyRequest): number | undefined {
  return loginEnds.get(request);
}

/** Takes as long whatever was given. */
function isSame(given: string, password: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(password));
}

/** A path of this page, never somebody else's. */
export function localPath(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])[^\\\s]*$/.test(next) && !next.startsWith('/login')
    ? next
    : '/';
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? '';
}
