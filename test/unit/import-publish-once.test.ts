/** Sessions of an import that go the live way are published once, whatever fails behind it. */
import type { ClickHouseClient } from '@clickhouse/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { expect } from 'chai';
import { createImportActivities } from '../../imports/activities.ts';
import type { ChunkSource } from '../../imports/chunk-source.ts';
import type { PreparedChunk } from '../../imports/prepare-chunk.ts';
import { NO_ROWS } from '../../platform/row-bytes.ts';
import type { SessionBytes } from '../../imports/run-file.ts';
import { createStillLoading } from '../../imports/still-loading.ts';
import type { ImportPlan } from '../../shared/import-plan.ts';

const PLAN = { project: 'shop', id: 'an-import', life: 1, valuesMax: 10 } as ImportPlan;
const LOAD = 'bulk/import/an-import/1';
/** Activities that fail here are meant to. */
const QUIET = new DefaultLogger('ERROR');

interface Place {
  readonly log: string;
  readonly range_to: number;
}

/** The ledger of a ClickHouse that outlives processes, and takes what it is told to take. */
function clickHouse() {
  const places = new Map<string, number>();
  const state = { takes: (_table: string, _place: Place): boolean => true };
  const reader = {
    query: ({ query, query_params = {} }: { query: string; query_params?: { begin?: string } }) => {
      const rows = Array.from(places, ([log, to]) => ({ log, loaded: String(to) }));
      const { begin = '' } = query_params;
      const found = query.includes('loaded_ranges')
        ? rows.filter(({ log }) => log.startsWith(begin))
        : [];
      return Promise.resolve({ json: () => Promise.resolve(found) });
    },
  } as unknown as ClickHouseClient;
  const insert = (table: string, rows: readonly object[]) => {
    const [place] = rows as readonly Place[];
    if (place === undefined) return Promise.resolve();
    if (!state.takes(table, place)) return Promise.reject(new Error(`${table} takes nothing`));
    const before = places.get(place.log) ?? 0;
    if (table === 'loaded_ranges') places.set(place.log, Math.max(before, place.range_to));
    return Promise.resolve();
  };
  return { places, state, reader, tables: { insert } };
}

/** A process that imports chunks with such sessions of the live way. */
function importing(
  { reader, tables }: ReturnType<typeof clickHouse>,
  published: number[],
  sessionsOf: (chunk: number) => readonly SessionBytes[] = () => [{} as SessionBytes],
) {
  const source: ChunkSource = {
    chunk: (number) => Promise.resolve(chunkOf(number, sessionsOf(number))),
    skip: (number) => ({ number, events: 0, sessionCount: 0, isLast: false }),
    forget: () => undefined,
  };
  const { loadChunk } = createImportActivities({
    ...{ source, life: PLAN.life, reader, admin: reader, tables },
    bound: (_range, sums) => Promise.resolve(sums),
    publishLive: (_sessions, chunk) => {
      published.push(chunk);
      return Promise.resolve();
    },
    onLoaded: () => undefined,
    onTakenBack: () => undefined,
    wait: (_what, work) => work,
  });
  return (number: number) =>
    new MockActivityEnvironment(undefined, { logger: QUIET }).run(() =>
      loadChunk({ plan: PLAN, number }),
    );
}

function chunkOf(number: number, live: readonly SessionBytes[]): PreparedChunk {
  const sums = { metrics: new Map(), sessions: [], records: 0, behind: 0 };
  return {
    ...{ number, events: 0, isLast: false, sums, live },
    ...{ noted: [], notes: NO_ROWS, sessions: NO_ROWS, insteadOf: [] },
  };
}

const failureOf = (work: Promise<unknown>) => work.catch((error: unknown) => error);
const isOfLoad = (place: Place) => place.log === LOAD && place.range_to > 0;

describe('sessions of an import that are published', () => {
  it('are not published again where their chunk could not be loaded, by whatever process', async () => {
    const server = clickHouse();
    const published: number[] = [];
    server.state.takes = (_table, place) => !isOfLoad(place);
    const killed = importing(server, published);
    expect(await failureOf(killed(1))).to.be.instanceOf(Error);
    expect(await failureOf(killed(1))).to.be.instanceOf(Error);

    const later = importing(server, published);
    expect(await failureOf(later(1))).to.be.instanceOf(Error);
    server.state.takes = () => true;
    for (const number of [1, 2, 3]) await later(number);

    expect(published).to.deep.equal([1, 2, 3]);
    expect(server.places.get(LOAD)).to.equal(3);
  });

  it('are not published again by their process while ClickHouse takes nothing at all', async () => {
    const server = clickHouse();
    const published: number[] = [];
    server.state.takes = (_table, { range_to: to }) => to === 0;
    const load = importing(server, published);

    for (let attempt = 0; attempt < 5; attempt += 1) await failureOf(load(1));
    server.state.takes = () => true;
    await load(1);

    expect(published).to.deep.equal([1]);
  });

  it('are published again where ClickHouse was put back, and has lost the chunk and its note', async () => {
    const server = clickHouse();
    const published: number[] = [];
    const load = importing(server, published);
    for (const number of [1, 2, 3]) await load(number);
    for (const log of server.places.keys()) server.places.set(log, 1);

    await load(4);

    expect(published).to.deep.equal([1, 2, 3, 2, 3, 4]);
  });

  it('are noted for chunks that have some only', async () => {
    const server = clickHouse();
    const published: number[] = [];
    const load = importing(server, published, (chunk) => (chunk === 2 ? [{} as SessionBytes] : []));

    for (const number of [1, 2, 3]) await load(number);

    expect(published).to.deep.equal([2]);
    expect(Object.fromEntries(server.places)).to.deep.equal({ [LOAD]: 3, [`${LOAD}/live`]: 2 });
  });

  it('are left to the process that has published them, by one that stood still meanwhile', async () => {
    let at = 0;
    const { places, reader } = clickHouse();
    const stillLoading = createStillLoading(reader, { ...PLAN, chunk: 2 }, () => at);
    places.set(`${LOAD}/live`, 1);
    await stillLoading();
    places.set(`${LOAD}/live`, 2);
    at += 3_600_000;

    expect(String(await failureOf(stillLoading()))).to.contain('another process has published');
  });
});
