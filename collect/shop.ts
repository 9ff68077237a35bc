/** The demo's shop: pages with a real tracker that sends to this very server, so that a newcomer sees themselves. */
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** What the shop tells its visitors, and its tracker. */
export interface Shop {
  readonly project: string;
  readonly key: string;
  readonly dashboardUrl: string | undefined;
  readonly temporalUiUrl: string | undefined;
  readonly temporalNamespace: string;
}

const PAGES = ['/shop', '/shop/', '/shop/notebooks', '/shop/pens', '/shop/thanks'] as const;
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'";

export async function addShop(app: FastifyInstance, shop: Shop): Promise<void> {
  await app.register(fastifyStatic, { root: shopFolder(), prefix: '/shop/', index: false });
  await app.register(fastifyStatic, {
    root: dirname(createRequire(import.meta.url).resolve('@snowplow/browser-tracker')),
    prefix: '/shop/vendor/snowplow/',
    decorateReply: false,
  });
  for (const path of PAGES) {
    app.get(path, (_request, reply) =>
      reply
        .header('content-security-policy', POLICY)
        .header('referrer-policy', 'same-origin')
        .sendFile('index.html'),
    );
  }
  app.get('/shop/config', () => shop);
}

/** Beside this file; in an image, whose code is in dist/, in the sources' folder. */
function shopFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return here.includes(`${sep}dist${sep}`)
    ? join(here, '..', '..', 'collect', 'shop')
    : join(here, 'shop');
}
