/** Steps of an import where ClickHouse is not as the workflow remembers it. */
import type { ClickHouseClient } from '@clickhouse/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { expect } from 'chai';
import { createImportActivities } from '../../imports/activities.ts';
import type { ChunkSource } from '../../imports/chunk-source.ts';
import type { PreparedChunk } from '../../imports/prepare-chunk.ts';
import { NO_ROWS } from '../../platform/row-bytes.ts';
import type { ImportPlan } from '../../shared/import-plan.ts';

const PLAN = { project: 'shop', id: 'an-import', life: 1, valuesMax: 10 } as ImportPlan;
const CHUNKS = 5;
/** Activities that fail here are meant to. */
const QUIET = new DefaultLogger('ERROR');

/** Loads of a ClickHouse that can be put back. */
function importing() {
  const clickhouse = { loadedTo: 0 };
  const loaded: number[] = [];
  const source: ChunkSource = {
    chunk: (number) => Promise.resolve(emptyChunk(number)),
    skip: (number) => ({ number, events: 0, sessionCount: 0, isLast: number === CHUNKS }),
    forget: () => undefined,
  };
  const reader = {
    query: ({ query }: { readonly query: string }) => {
      const isPlace = query.includes('loaded_ranges');
      const place = { log: 'bulk/import/an-import/1', loaded: String(clickhouse.loadedTo) };
      return Promise.resolve({ json: () => Promise.resolve(isPlace ? [place] : []) });
    },
  } as unknown as ClickHouseClient;
  const { loadChunk } = createImportActivities({
    ...{ source, life: PLAN.life, reader, admin: reader },
    tables: {
      insert(table, rows) {
        const [{ range_to: to = 0 } = {}] = rows as { readonly range_to?: number }[];
        if (table !== 'loaded_ranges' || to === 0) return Promise.resolve();
        loaded.push(to);
        clickhouse.loadedTo = to;
        return Promise.resolve();
      },
    },
    bound: (_range, sums) => Promise.resolve(sums),
    publishLive: () => Promise.resolve(),
    onLoaded: () => undefined,
    onTakenBack: () => undefined,
    wait: (_what, work) => work,
  });
  const load = (number: number, life = PLAN.life) =>
    new MockActivityEnvironment(undefined, { logger: QUIET }).run(() =>
      loadChunk({ plan: { ...PLAN, life }, number }),
    );
  return { clickhouse, loaded, load };
}

function emptyChunk(number: number): PreparedChunk {
  const sums = { metrics: new Map(), sessions: [], records: 0, behind: 0 };
  return {
    ...{ number, events: 0, isLast: number === CHUNKS, sums },
    ...{ noted: [], notes: NO_ROWS, sessions: NO_ROWS, insteadOf: [], live: [] },
  };
}

describe('a chunk of an import', () => {
  it('is not loaded by a process that is at an earlier life of it', async () => {
    const { loaded, load } = importing();

    const error = await load(1, 2).catch((thrown: unknown) => thrown);

    expect(String(error)).to.contain('life 1').and.contain('taken back');
    expect(loaded).to.deep.equal([]);
  });

  it('is left out where it is loaded, and its place is asked for before one is loaded', async () => {
    const { clickhouse, loaded, load } = importing();
    clickhouse.loadedTo = 2;

    for (const number of [1, 2, 3, 4]) await load(number);

    expect(loaded).to.deep.equal([3, 4]);
  });

  it('comes behind those that a ClickHouse has lost that was put back to an older copy', async () => {
    const { clickhouse, loaded, load } = importing();
    for (const number of [1, 2, 3]) await load(number);
    clickhouse.loadedTo = 1;

    const fourth = await load(4);
    await load(5);

    expect(fourth).to.include({ isLast: false, number: 4 });
    expect(loaded).to.deep.equal([1, 2, 3, 2, 3, 4, 5]);
  });
});
