import { expect } from 'chai';
import {
  type ClusterState,
  clusterWarnings,
  type ReplicatedTable,
  unfitSentence,
} from '../../platform/cluster-state.ts';

const table = (name: string, active: number, rest: Partial<ReplicatedTable> = {}) => ({
  ...{ name, active, replicas: 3, isReadOnly: false },
  ...rest,
});

const WELL: ClusterState = {
  cluster: 'eu',
  known: [
    { name: 'default', shards: 1, replicas: 1 },
    { name: 'eu', shards: 1, replicas: 3 },
  ],
  tables: [table('metrics', 3), table('sessions', 3)],
  plain: [],
};

const inState = (rest: Partial<ClusterState>) => ({ ...WELL, ...rest });
const serversOf = (replicas: number) => [{ name: 'eu', shards: 1, replicas }];

describe('a ClickHouse cluster', () => {
  it('has nothing to be warned of where all is well', () => {
    expect(unfitSentence(WELL)).to.equal(undefined);
    expect(clusterWarnings(WELL)).to.deep.equal([]);
  });

  it('is none where no server knows it, and says which there are', () => {
    const state = inState({ cluster: 'us', tables: [] });

    expect(unfitSentence(state))
      .to.contain('no cluster us')
      .and.contain('default, eu')
      .and.contain('CLICKHOUSE_CLUSTER');
    expect(clusterWarnings(state)[0]).to.equal(unfitSentence(state));
    expect(unfitSentence(inState({ known: [] }))).to.contain('it knows none');
  });

  it('may not have shards, of which each would have a part', () => {
    const known = [{ name: 'eu', shards: 2, replicas: 4 }];
    expect(unfitSentence(inState({ known }))).to.contain('2 shards');
  });

  it('is not begun where tables are there that are not replicated: it is said which, and what to read', () => {
    expect(unfitSentence(inState({ plain: ['metrics', 'sessions'] })))
      .to.contain('metrics, sessions')
      .and.contain('nothing was changed')
      .and.contain('docs/clickhouse-cluster.md');
  });

  it('loads nothing with fewer replicas than an insert needs, and can lose no more with as many', () => {
    const warned = (tables: readonly ReplicatedTable[]) => clusterWarnings(inState({ tables }));

    expect(warned([table('metrics', 2), table('sessions', 1)])).to.deep.equal([
      'of the 3 replicas of sessions in the ClickHouse cluster eu 1 answer, and an insert needs 2: nothing is loaded until another one is back',
    ]);
    expect(warned([table('metrics', 2)])[0]).to.contain('with one more away nothing is loaded');
    expect(warned([table('metrics', 4, { replicas: 5 })])[0]).to.contain('the others are away');
  });

  it('says which tables have lost Keeper, and which servers lack some', () => {
    const readOnly = [table('metrics', 3, { isReadOnly: true })];
    expect(clusterWarnings(inState({ tables: readOnly }))[0])
      .to.contain('metrics')
      .and.contain('Keeper');

    const lacking = [table('metrics', 2, { replicas: 2 }), table('sessions', 3)];
    expect(clusterWarnings(inState({ tables: lacking })).join())
      .to.contain('not all have metrics')
      .and.contain('npx sojourn migrate');
  });

  it('is best of three servers', () => {
    const of = (replicas: number) =>
      clusterWarnings({ ...WELL, known: serversOf(replicas), tables: [] });

    expect(of(1).join()).to.contain('one server');
    expect(of(2).join()).to.contain('two servers');
    expect(of(3)).to.deep.equal([]);
  });
});
