/** Users of very many sessions are claimed as those of one session are, on a real Redis. */
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { recognizeVisitor } from '../../activities/recognize-visitor.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { createClaimUsers } from '../../platform/claim-users.ts';
import { silentLog } from '../../platform/log.ts';
import { connectRedis, createVisitorStore } from '../../platform/redis.ts';
import type { Visit } from '../../shared/actor.ts';
import { environmentOf } from '../support/pipeline.ts';
import { useServers } from '../support/servers.ts';

/** More than go into one call. */
const VISITS = 1_201;
const USERS = 400;

describe('users of very many sessions', () => {
  const servers = useServers();
  let redis: Redis;

  before(() => {
    redis = connectRedis(
      requireServers(loadConfig(environmentOf(servers())), ['REDIS_URL']),
      silentLog,
    );
  });

  after(() => {
    redis.disconnect();
  });

  const visitsOf = (project: string): Visit[] =>
    Array.from({ length: VISITS }, (_, n) => {
      return { project, sessionId: `s-${n}`, userId: `u-${(n * 7) % USERS}`, at: 1_000 * n };
    });

  it('are new in the first session of each, whoever asks, and however often', async () => {
    const claimUsers = createClaimUsers(redis);
    const store = createVisitorStore(redis);
    const one = async (visits: readonly Visit[]) => {
      const users = [];
      for (const visit of visits) users.push(await recognizeVisitor(store, visit));
      return users;
    };

    const atOnce = await claimUsers(visitsOf('claimed-at-once'));
    const inTurns = await one(visitsOf('claimed-in-turns'));

    expect(atOnce).to.deep.equal(inTurns);
    expect(atOnce.filter(({ isNew }) => isNew)).to.have.lengthOf(USERS);
    expect(await claimUsers(visitsOf('claimed-in-turns'))).to.deep.equal(inTurns);
    expect(await one(visitsOf('claimed-at-once').slice(0, 500))).to.deep.equal(
      atOnce.slice(0, 500),
    );
  });

  it('are none of those that have another session', async () => {
    const visits = visitsOf('claimed-before').slice(0, 3);
    const first = visits[0] ?? expect.fail();
    await recognizeVisitor(createVisitorStore(redis), { ...first, sessionId: 's-of-before' });

    const users = await createClaimUsers(redis)(visits);

    expect(users.map(({ isNew }) => isNew)).to.deep.equal([false, true, true]);
  });
});
