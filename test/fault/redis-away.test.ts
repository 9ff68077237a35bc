/** Redis dead, or no master any more: all numbers but those of users go on, and those are made up for. */
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  type PipelineProcess,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { startPrivateServers, type TestServers } from '../support/servers.ts';

const START_MS_MAX = 20 * 60_000;
/** Redis stays away until it is so, however long that takes a busy machine. */
const SOON = { withinMs: 60_000 };
const LATER = { withinMs: 90_000 };

describe('with Redis away', () => {
  let servers: TestServers;
  let pipeline: PipelineProcess;
  let around: Around;

  before('start the servers', async function () {
    this.timeout(START_MS_MAX);
    servers = await startPrivateServers();
    pipeline = await startPipelineProcess(servers, { SESSION_CHECKPOINT: '500ms' });
    around = await connectAround(servers);
  });

  after('stop everything', async function () {
    this.timeout(240_000);
    await around.close();
    await pipeline.stop();
    await servers.stop();
  });

  async function visit(project: string, sessionId: string, userId: string): Promise<void> {
    const base = { sessionId, userId, timestamp: Date.UTC(2026, 2, 1, 12) };
    await around.publish(project, { ...base, eventId: '1', eventType: 'pageview' });
    await around.publish(project, { ...base, eventId: '2', eventType: 'session_end' });
  }

  const sums = async (project: string) =>
    Object.fromEntries(
      (
        await around.select<{ metric: string; count: string }>(
          `SELECT metric_type AS metric, toString(sum(metrics.count)) AS count FROM sojourn.metrics
           WHERE project = '${project}' AND dimension = '' AND metric_type IN ('sessions', 'new_users', 'returning_users')
           GROUP BY ALL ORDER BY ALL`,
        )
      ).map(({ metric, count }) => [metric, Number(count)]),
    );
  const expectSums = (project: string, wanted: object, within: typeof SOON) =>
    eventually(async () => {
      expect(await sums(project)).to.deep.equal(wanted);
    }, within);

  it('counts sessions at once, and who was new once it is back', async () => {
    await visit('dead', 'before', 'ann');
    await expectSums('dead', { new_users: 1, sessions: 1 }, SOON);
    servers.redis.kill();
    await servers.redis.exited;

    await visit('dead', 'returns', 'ann');
    await visit('dead', 'new', 'bob');
    await expectSums('dead', { new_users: 1, sessions: 3 }, SOON);

    await servers.restart('redis');
    await expectSums('dead', { new_users: 2, returning_users: 1, sessions: 3 }, LATER);
  }).timeout(240_000);

  it('does so where it answers, but is a replica now', async () => {
    const redis = new Redis(servers.redis.url);
    try {
      await redis.replicaof('127.0.0.1', '1');
      await visit('replica', 's-1', 'eve');
      await expectSums('replica', { sessions: 1 }, SOON);

      await redis.replicaof('NO', 'ONE');
      await expectSums('replica', { new_users: 1, sessions: 1 }, LATER);
    } finally {
      redis.disconnect();
    }
  }).timeout(240_000);

  it('looks for another master where this one has become a replica', async () => {
    const redis = new Redis(servers.redis.url);
    const clients = async () =>
      new Set(
        ((await redis.client('LIST')) as string)
          .split('\n')
          .flatMap((line) =>
            line.includes('cmd=client') ? [] : (/^id=(\d+)/.exec(line)?.[1] ?? []),
          ),
      );
    try {
      const before = await clients();
      await redis.replicaof('127.0.0.1', '1');
      await visit('moved', 's-1', 'eve');

      await eventually(async () => {
        expect([...(await clients())].some((id) => !before.has(id))).to.equal(true);
      }, SOON);
    } finally {
      await redis.replicaof('NO', 'ONE');
      redis.disconnect();
    }
  }).timeout(240_000);
});
