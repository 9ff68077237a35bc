import type { ClickHouseClient } from '@clickhouse/client';
import { expect } from 'chai';
import { clientOfCluster } from '../../platform/clickhouse-servers.ts';
import { settleReplicas } from '../../platform/clickhouse.ts';
import { untilCaughtUp } from '../../platform/replica-lag.ts';

/** A server whose queue has so many tables in it at each look. */
function aServer(looks: readonly number[]) {
  const asked: string[] = [];
  const client = {
    query: ({ query }: { query: string }) => {
      asked.push(query);
      const behind = looks[asked.length - 1] ?? 0;
      const rows = Array.from({ length: behind }, (_none, n) => ({ name: `table-${n}` }));
      return Promise.resolve({ json: () => Promise.resolve(rows) });
    },
    command: ({ query }: { query: string }) => {
      asked.push(query);
      return Promise.resolve({});
    },
  };
  const one = client as unknown as ClickHouseClient;
  const replica = clientOfCluster([{ address: 'http://a:8123', client: one }], {
    cluster: 'c',
    isAdmin: true,
  });
  return { one, replica, asked };
}

describe('a replica that lags', () => {
  it('is waited for until it has what others have', async () => {
    const { replica, asked } = aServer([2, 1, 0]);

    await untilCaughtUp(replica);

    expect(asked).to.have.length(3);
    expect(asked[0]).to.contain('system.replicas').and.contain('log_pointer');
  });

  it('is brought up by ClickHouse itself where others are to delete by its rows', async () => {
    const { replica, asked } = aServer([]);

    await settleReplicas(replica, 'forgetting');

    expect(asked).to.deep.equal(['SYSTEM SYNC REPLICA ON CLUSTER `c` sojourn.forgetting']);
  });

  it('is no question where there is one server', async () => {
    const { one, asked } = aServer([2]);

    await untilCaughtUp(one);
    await settleReplicas(one, 'forgetting');

    expect(asked).to.deep.equal([]);
  });
});
