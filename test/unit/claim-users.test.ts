import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { visitorKey } from '../../activities/recognize-visitor.ts';
import { createClaimUsers } from '../../platform/claim-users.ts';

/**
 * As much of a Redis as is asked here. Between any two commands another client gives back whatever was claimed, but for
 * those of a transaction.
 */
function aRedis(keys: Map<string, string>): Redis {
  const chain = (isTransaction: boolean) => {
    const commands: (() => string | null)[] = [];
    const all = {
      set(key: string, owner: string) {
        commands.push(() => {
          if (keys.has(key)) return null;
          keys.set(key, owner);
          return 'OK';
        });
        return all;
      },
      get(key: string) {
        commands.push(() => keys.get(key) ?? null);
        return all;
      },
      exec() {
        const results = commands.map((carryOut) => {
          const result = carryOut();
          if (!isTransaction) keys.clear();
          return [null, result];
        });
        return Promise.resolve(results);
      },
    };
    return all;
  };
  return { pipeline: () => chain(false), multi: () => chain(true) } as unknown as Redis;
}

describe('users of very many sessions', () => {
  it('are claimed also where an ingest gives some of them back at that moment', async () => {
    const visits = ['ann', 'bob'].map((userId) => {
      return { project: 'shop', sessionId: `s-${userId}`, userId, at: 7 };
    });
    const keys = new Map([[visitorKey('shop', 'ann'), 'another@6.123456789']]);

    const users = await createClaimUsers(aRedis(keys))(visits);

    expect(users).to.deep.equal([
      { userId: 'ann', isNew: false },
      { userId: 'bob', isNew: true },
    ]);
  });
});
