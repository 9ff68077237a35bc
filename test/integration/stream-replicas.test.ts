/** How many servers keep each stream: three of a cluster, without anybody saying so; and what is said where fewer do. */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect } from 'chai';
import { pino } from 'pino';
import { runHealth } from '../../health/run.ts';
import { createObserver } from '../../operations/observe.ts';
import { type Config, loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats, migrateStreams } from '../../platform/nats.ts';
import { toError } from '../../shared/errors.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM } from '../../shared/ids.ts';
import { eventually } from '../support/eventually.ts';
import { type NatsCluster, startNatsCluster, untilCurrent } from '../support/nats-cluster.ts';
import { freePorts } from '../../servers/ports.ts';
import { useServers } from '../support/servers.ts';

const START_MS_MAX = 20 * 60_000;
const WITHIN = { withinMs: 60_000 };
const STREAMS = [
  ...['DEADLETTERS', 'EVENTS', 'INGEST', 'KV_FORGOTTEN', 'KV_PROJECTS', 'METRICS', 'ROLLUPS'],
];

describe('copies of streams', () => {
  const single = useServers();
  let cluster: NatsCluster;

  before('start three servers', async function () {
    this.timeout(START_MS_MAX);
    cluster = await startNatsCluster();
  });

  after(async function () {
    this.timeout(240_000);
    await cluster.stop();
  });

  const configOf = (url: string, more: Record<string, string> = {}) =>
    requireServers(loadConfig({ NATS_URL: url, ...more }), ['NATS_URL']);

  /** As `migrate` does it. @returns what it said, from level info on */
  async function migrate(config: Config & { readonly NATS_URL: string }): Promise<string[]> {
    const said: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void said.push(line) });
    const nats = await connectNats(config, 'test', silentLog);
    try {
      await migrateStreams(nats, log, { replicas: config.STREAM_REPLICAS });
    } finally {
      await nats.connection.close();
    }
    return said;
  }

  async function copies(): Promise<Record<string, number>> {
    const connection = await connect({ servers: cluster.url.split(',') });
    try {
      const jsm = await jetstreamManager(connection);
      return await eventually(async () => {
        const found: Record<string, number> = {};
        for await (const { config } of jsm.streams.list()) found[config.name] = config.num_replicas;
        // The list leaves out a stream whose leader does not answer in time.
        expect(Object.keys(found)).to.include.members(STREAMS);
        return found;
      }, WITHIN);
    } finally {
      await connection.close();
    }
  }

  async function warningsOf(config: Config): Promise<readonly string[]> {
    const observer = createObserver(config);
    try {
      return (await observer.status()).warnings ?? [];
    } finally {
      await observer.close();
    }
  }

  const of = (count: number) => Object.fromEntries(STREAMS.map((name) => [name, count]));

  it('are one where somebody wants that of a cluster, and no warning is given', async () => {
    const config = configOf(cluster.url, { STREAM_REPLICAS: '1' });
    const said = await migrate(config);
    expect(await copies()).to.deep.equal(of(1));
    expect(said).to.deep.equal([]);
    expect(await warningsOf(config)).to.deep.equal([]);
  });

  it('are fewer than a cluster should have: status and /readyz warn, and it is ready all the same', async () => {
    const config = configOf(cluster.url);
    // Nothing is said of what was not answered in time.
    const warning = await eventually(async () => {
      const [first, ...others] = await warningsOf(config);
      expect(others).to.deep.equal([]);
      expect(first)
        .to.contain('fewer than 3 copies')
        .and.contain('EVENTS 1')
        .and.contain('STREAM_REPLICAS');
      return first;
    }, WITHIN);

    const [port = 0] = await freePorts(1);
    const { temporal } = single();
    const health = await runHealth({ ...config, TEMPORAL_ADDRESS: temporal.address }, silentLog, {
      port,
      roles: { ingest: true, worker: false },
    });
    try {
      health.started(undefined);
      await eventually(async () => {
        const answer = await fetch(`${health.url}/readyz`);
        const body = (await answer.json()) as { troubles: string[]; warnings: string[] };
        expect(body.warnings).to.deep.equal([warning]);
        expect(body.troubles.filter((trouble) => trouble.startsWith('NATS'))).to.deep.equal([]);
      }, WITHIN);
    } finally {
      await health.close();
    }
  });

  it('become three in a cluster, by migrate, which says so; the consumer follows', async function () {
    this.timeout(240_000);
    const said = await migrate(configOf(cluster.url));
    expect(await copies()).to.deep.equal(of(3));
    const raised = said.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(raised.map(({ stream, from, to }) => [stream, from, to])).to.have.deep.members(
      STREAMS.map((name) => [name, 1, 3]),
    );
    expect(await warningsOf(configOf(cluster.url))).to.deep.equal([]);

    const connection = await connect({ servers: cluster.url.split(',') });
    try {
      const jsm = await jetstreamManager(connection);
      await untilCurrent(jsm);
      const consumer = await jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER);
      expect(consumer.cluster?.replicas).to.have.length(2);
    } finally {
      await connection.close();
    }
  });

  it('stay as many where fewer are wanted', async () => {
    expect(await migrate(configOf(cluster.url, { STREAM_REPLICAS: '1' }))).to.deep.equal([]);
    expect(await copies()).to.deep.equal(of(3));
  });

  it('are not more than there are servers: one sentence says so', async () => {
    const fault = (config: Config & { readonly NATS_URL: string }) =>
      migrate(config).then(
        () => 'it worked',
        (error: unknown) => toError(error).message,
      );
    const alone = await fault(configOf(single().nats.url, { STREAM_REPLICAS: '3' }));
    expect(alone).to.contain('3 copies').and.contain('STREAM_REPLICAS');
    const five = await fault(configOf(cluster.url, { STREAM_REPLICAS: '5' }));
    expect(five).to.contain('5 copies').and.contain('STREAM_REPLICAS');
    expect(await copies()).to.deep.equal(of(3));
  });
});
