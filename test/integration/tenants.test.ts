/** A NATS user for each tenant, as examples/nats/tenants.conf has them: own events, own acknowledgements, own news. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { expect } from 'chai';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats, migrateStreams, type Nats } from '../../platform/nats.ts';
import { EVENTS_STREAM } from '../../shared/ids.ts';
import { eventually } from '../support/eventually.ts';
import { type SecuredNats, startSecuredNats } from '../support/secured-nats.ts';
import { sojourn } from '../support/pipeline.ts';

const EXAMPLE = new URL('../../examples/nats/tenants.conf', import.meta.url);
const PASSWORDS = { SOJOURN: 'of-sojourn', SHOP: 'of-shop', BLOG: 'of-blog' };
/** For what must not come to have come. */
const QUIET_MS = 500;
const SOON = { withinMs: 30_000 };
/** For an acknowledgement. */
const PATIENT = { timeout: 30_000 };

describe('tenants', () => {
  let server: SecuredNats;
  let system: Nats;
  const opened: NatsConnection[] = [];

  before('start NATS as the example has it', async function () {
    this.timeout(240_000);
    const example = Object.entries(PASSWORDS).reduce(
      (text, [name, password]) => text.replace(`$${name}_PASSWORD`, `"${password}"`),
      readFileSync(EXAMPLE, 'utf8'),
    );
    expect(example).to.not.contain('$');
    server = await startSecuredNats(example);
    system = await connectNats(configOf('sojourn', PASSWORDS.SOJOURN), 'test', silentLog);
    opened.push(system.connection);
    await migrateStreams(system, silentLog);
  });

  after(async function () {
    this.timeout(240_000);
    for (const connection of opened) await connection.close();
    await server.stop();
  });

  const variablesOf = (user: string, password: string) => ({
    NATS_URL: `nats://127.0.0.1:${server.port}`,
    NATS_USER: user,
    NATS_PASSWORD: password,
  });
  const configOf = (user: string, password: string, more: Record<string, string> = {}) =>
    requireServers(loadConfig({ ...variablesOf(user, password), ...more }), ['NATS_URL']);

  /** As a producer of theirs connects. */
  async function tenant(user: 'shop' | 'blog'): Promise<NatsConnection> {
    const pass = user === 'shop' ? PASSWORDS.SHOP : PASSWORDS.BLOG;
    const connection = await connect({
      servers: `nats://127.0.0.1:${server.port}`,
      ...{ user, pass, inboxPrefix: `_INBOX_${user}` },
    });
    opened.push(connection);
    return connection;
  }

  const stored = async (subject: string): Promise<number> => {
    const { state } = await system.jsm.streams.info(EVENTS_STREAM, { subjects_filter: subject });
    return state.subjects?.[subject] ?? 0;
  };

  /** What comes to a subscription, and whether the server refused it. */
  function listen(connection: NatsConnection, subject: string) {
    const heard: string[] = [];
    let refused: Error | undefined;
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) heard.push(message.subject);
        else refused = error;
      },
    });
    return { heard, refused: () => refused };
  }

  /** The server says no, and nothing comes. */
  async function expectRefused(listeners: readonly ReturnType<typeof listen>[]): Promise<void> {
    await eventually(() => {
      for (const { refused } of listeners) {
        expect(String(refused())).to.match(/permissions violation/i);
      }
    }, SOON);
    await sleep(QUIET_MS);
    for (const { heard } of listeners) expect(heard).to.deep.equal([]);
  }

  it('publish to their own project, and get their acknowledgement', async () => {
    const shop = await tenant('shop');
    const { seq, stream } = await jetstream(shop, PATIENT).publish('events.shop.page_view', '{}');
    expect(stream).to.equal(EVENTS_STREAM);
    expect(seq).to.be.greaterThan(0);
    expect(await stored('events.shop.page_view')).to.equal(1);
  });

  it("publish to nobody else's project, nor to anything else", async () => {
    const shop = await tenant('shop');
    for (const subject of [
      'events.blog.page_view',
      'events.shopping.page_view',
      'metrics.updated.blog',
      'rollups.0.x.1',
      'deadletters.shop',
      '$KV.PROJECTS.shop',
      '$JS.API.STREAM.PURGE.EVENTS',
      '$JS.API.CONSUMER.MSG.NEXT.EVENTS.ingest',
    ]) {
      const refused = await shop.request(subject, '{}', { timeout: 10_000 }).then(
        () => 'it was answered',
        (error: unknown) => String(error),
      );
      expect(refused, subject).to.match(/permissions violation/i);
    }
    expect(await stored('events.blog.page_view')).to.equal(0);
  });

  it("see nobody else's acknowledgements, nor events", async () => {
    const [shop, blog] = [await tenant('shop'), await tenant('blog')];
    const spies = ['_INBOX.>', '_INBOX_blog.>', 'events.>', 'events.blog.>', '>'].map((subject) =>
      listen(shop, subject),
    );
    await shop.flush();
    await jetstream(blog, PATIENT).publish('events.blog.page_view', '{}');
    await expectRefused(spies);
  });

  it('hear of their own metrics only', async () => {
    const shop = await tenant('shop');
    const own = listen(shop, 'metrics.updated.shop');
    const others = ['metrics.updated.*', 'metrics.updated.blog'].map((subject) =>
      listen(shop, subject),
    );
    await shop.flush();
    for (const project of ['shop', 'blog']) {
      await system.js.publish(`metrics.updated.${project}`, '{}');
    }
    await eventually(() => {
      expect(own.heard).not.to.deep.equal([]);
    }, SOON);
    await expectRefused(others);
    expect(own.heard).to.deep.equal(['metrics.updated.shop']);
  });

  it('use `sojourn publish`, with NATS_INBOX_PREFIX', async () => {
    const published = await sojourn(
      ['publish', '-', '--project', 'shop', '--json'],
      { ...variablesOf('shop', PASSWORDS.SHOP), NATS_INBOX_PREFIX: '_INBOX_shop' },
      '{"eventType":"signup"}\n',
    );
    expect(published.code, published.stderr).to.equal(0);
    expect(await stored('events.shop.signup')).to.equal(1);
  });
});
