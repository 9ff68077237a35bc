import { expect } from 'chai';
import type { Database } from '../../dashboard/database.ts';
import { createLive, type News, type Now } from '../../dashboard/live.ts';
import { silentLog } from '../../platform/log.ts';
import { loadZones } from '../../platform/zones.ts';
import { eventually } from '../support/eventually.ts';

/** Counts what is open, and says something when told to. */
function aSource() {
  const listeners = new Set<() => void>();
  const figures = { connected: 0, closed: 0, listeners };
  const connectNews = (): Promise<News> => {
    figures.connected += 1;
    return Promise.resolve({
      subscribe(_project: string, onNews: () => void) {
        listeners.add(onNews);
        return () => listeners.delete(onNews);
      },
      isConnected: () => true,
      close() {
        figures.closed += 1;
        return Promise.resolve();
      },
    });
  };
  return { figures, connectNews };
}

function aDatabase() {
  const figures = { queries: 0, isAway: false };
  const database: Pick<Database, 'rows'> = {
    rows<Row>() {
      figures.queries += 1;
      return figures.isAway
        ? Promise.reject(new Error('ClickHouse does not answer'))
        : Promise.resolve([] as readonly Row[]);
    },
  };
  return { figures, database: database as Database };
}

describe('live figures', () => {
  const aLive = () => {
    const source = aSource();
    const { figures: reads, database } = aDatabase();
    const { connectNews } = source;
    const live = createLive({
      database,
      zones: loadZones(),
      now: Date.now,
      connectNews,
      log: silentLog,
    });
    return { live, source: source.figures, reads };
  };

  it('ask nobody anything while nobody watches', async () => {
    const { live, source, reads } = aLive();

    const seen: Now[] = [];
    const leave = live.watch('shop', (now) => seen.push(now));
    await eventually(
      () => {
        expect(source.listeners.size).to.equal(1);
        expect(seen).not.to.have.length(0);
      },
      { withinMs: 5_000 },
    );
    leave?.();
    await eventually(
      () => {
        expect(source).to.include({ connected: 1, closed: 1 });
        expect(source.listeners.size).to.equal(0);
      },
      { withinMs: 5_000 },
    );
    const { queries } = reads;
    await new Promise((resolve) => setTimeout(resolve, 1_500));

    expect(reads.queries).to.equal(queries);
    await live.close();
  });

  it('are read once for all who watch, however much news comes', async () => {
    const { live, source, reads } = aLive();
    const seen: number[] = [];
    const watchers = Array.from({ length: 10 }, () =>
      live.watch('shop', ({ changes }) => seen.push(changes)),
    );
    await eventually(
      () => {
        expect(source.listeners.size).to.equal(1);
        expect(seen).not.to.have.length(0);
      },
      { withinMs: 5_000 },
    );

    for (let n = 0; n < 100; n += 1) for (const listener of source.listeners) listener();
    await eventually(
      () => {
        expect(seen.filter((changes) => changes === 100)).to.have.length.at.least(10);
      },
      { withinMs: 5_000 },
    );

    expect(source.connected).to.equal(1);
    // Three questions a reading: at the start, with the connection, and once for all the news.
    expect(reads.queries).to.be.at.most(4 * 3);
    for (const leave of watchers) leave?.();
    await live.close();
  });

  it('say of when they are while ClickHouse is away, and are of now again by themselves', async () => {
    const { live, source, reads } = aLive();
    const seen: Now[] = [];
    const leave = live.watch('shop', (now) => seen.push(now));
    const last = (isOld: boolean) =>
      eventually(
        () => {
          expect(seen.at(-1)).to.include({ isOld });
        },
        { withinMs: 15_000 },
      );
    await eventually(
      () => {
        expect(source.listeners.size).to.equal(1);
      },
      { withinMs: 5_000 },
    );
    await last(false);
    const { asOf, clock } = seen.at(-1) ?? {};
    expect(clock).to.equal(asOf?.slice(11, 16));

    reads.isAway = true;
    for (const listener of source.listeners) listener();
    await last(true);
    // The numbers of before, with their own time; who comes now is told the same.
    const old = seen.at(-1);
    expect(seen.filter(({ isOld }) => !isOld).at(-1)?.asOf).to.equal(old?.asOf);
    const second: Now[] = [];
    const leaveToo = live.watch('shop', (now) => second.push(now));
    expect(second[0]).to.deep.equal(old);

    reads.isAway = false;
    await last(false);
    leave?.();
    leaveToo?.();
    await live.close();
  });

  it('let no more watch than the server can bear', async () => {
    const { live } = aLive();
    const leaves = Array.from({ length: 200 }, () => live.watch('shop', () => undefined));

    expect(live.watch('shop', () => undefined)).to.equal(undefined);
    leaves[0]?.();
    expect(live.watch('shop', () => undefined)).to.be.a('function');
    await live.close();
  });
});
