import { expect } from 'chai';
import {
  chooses,
  cursorOf,
  type Filtered,
  fits,
  isAfter,
  mayFindOlderRuns,
  parseCursor,
  type RunPlace,
  visibilityQuery,
} from '../../operations/session-filter.ts';
import { forEachSession } from '../../operations/for-each-session.ts';
import { each } from '../../shared/each.ts';
import { keywordOf } from '../../shared/search-attributes.ts';

const NOON = Date.UTC(2026, 10, 29, 12);
const HOUR_MS = 3_600_000;

const aRow = (fields: Partial<Filtered> = {}): Filtered => ({
  ...{ user: 'ann', country: 'DE', source: 'ads', device: 'mobile', engaged: true },
  ...{ lastEvent: new Date(NOON).toISOString(), closed: null },
  ...fields,
});

describe('a filter of sessions', () => {
  it('asks for what every store reads alike', () => {
    const query = visibilityQuery({
      ...{ project: 'shop', state: 'open', user: 'u-1', country: 'DE', source: 'new\\s' },
      ...{ engaged: true, since: NOON, query: "SojournDevice = 'tv' OR SojournDevice = 'car'" },
    });

    expect(query.split(' AND ')).to.deep.equal([
      "WorkflowType = 'session'",
      "SojournProject = 'shop'",
      "ExecutionStatus = 'Running'",
      "SojournUser = 'u-1'",
      "SojournCountry = 'DE'",
      'SojournEngaged = true',
      "(ExecutionStatus = 'Running' OR CloseTime >= '2026-11-28T12:00:00.000Z')",
      "(SojournDevice = 'tv' OR SojournDevice = 'car')",
    ]);
  });

  it('goes on from a place, of open ones into the closed ones', () => {
    const started = BigInt(NOON) * 1_000_000n;
    const from = (place: Omit<RunPlace, 'runId'>) =>
      visibilityQuery({ state: 'all' }, { ...place, runId: 'r' });

    expect(from({ started })).to.match(
      /\(ExecutionStatus != 'Running' OR StartTime <= '2026-11-29T12:00:00.001Z'\)$/,
    );
    expect(from({ started, closed: started + 999_999n })).to.match(
      /ExecutionStatus != 'Running' AND CloseTime <= '2026-11-29T12:00:00.001Z'$/,
    );
  });

  it('compares each text as a search attribute holds it', () => {
    expect(fits(aRow(), { state: 'all', user: 'ann', country: 'DE', device: 'mobile' })).to.equal(
      true,
    );
    for (const filter of [{ user: 'Ann' }, { country: 'AT' }, { source: 'ad' }, { device: 'tv' }]) {
      expect(fits(aRow(), { state: 'all', ...filter }), JSON.stringify(filter)).to.equal(false);
    }
    const user = 'x'.repeat(300);
    expect(fits(aRow({ user: keywordOf(user) ?? '' }), { state: 'all', user })).to.equal(true);
    expect(fits(aRow({ user: null }), { state: 'all', user })).to.equal(false);
  });

  it('compares engagement, and knows that nobody knows', () => {
    expect(fits(aRow(), { state: 'all', engaged: true })).to.equal(true);
    expect(fits(aRow(), { state: 'all', engaged: false })).to.equal(false);
    expect(fits(aRow({ engaged: null }), { state: 'all', engaged: false })).to.equal(false);
  });

  it('looks at the last event, and without one at the end', () => {
    const since = (ms: number) => ({ state: 'all', since: ms }) as const;

    expect(fits(aRow(), since(NOON))).to.equal(true);
    expect(fits(aRow(), since(NOON + 1))).to.equal(false);
    expect(
      fits(aRow({ closed: new Date(NOON + HOUR_MS).toISOString() }), since(NOON + 1)),
    ).to.equal(false);
    const unknown = aRow({ lastEvent: null, closed: new Date(NOON).toISOString() });
    expect(fits(unknown, since(NOON))).to.equal(true);
    expect(fits(unknown, since(NOON + 1))).to.equal(false);
    expect(fits(aRow({ lastEvent: null }), since(NOON + HOUR_MS))).to.equal(true);
  });

  it('is none where it only names project and state', () => {
    expect(chooses({ project: 'shop', state: 'open' })).to.equal(false);
    for (const filter of [{ engaged: false }, { since: 0 }, { query: 'x' }, { device: 'tv' }]) {
      expect(chooses({ state: 'open', ...filter }), JSON.stringify(filter)).to.equal(true);
    }
  });

  it('has older runs looked at wherever the newest may have been left out', () => {
    const place = { started: 1n, runId: 'r' };
    expect(mayFindOlderRuns({ state: 'all' }, undefined)).to.equal(false);
    expect(mayFindOlderRuns({ state: 'open', user: 'u' }, place)).to.equal(false);
    expect(mayFindOlderRuns({ state: 'closed' }, undefined)).to.equal(true);
    expect(mayFindOlderRuns({ state: 'all' }, place)).to.equal(true);
    expect(mayFindOlderRuns({ state: 'all', engaged: true }, undefined)).to.equal(true);
  });
});

describe('a place in the list of sessions', () => {
  const places: readonly RunPlace[] = [
    { started: 9n, runId: 'b' },
    { started: 8n, runId: 'a' },
    { started: 8n, runId: 'b' },
    { started: 9n, closed: 12n, runId: 'a' },
    { started: 7n, closed: 12n, runId: 'a' },
    { started: 9n, closed: 11n, runId: 'a' },
  ];

  it('is after the open ones where it has closed, then by time, then by run', () => {
    for (const [i, a] of places.entries()) {
      for (const [j, b] of places.entries()) expect(isAfter(a, b), `${i} ${j}`).to.equal(i > j);
    }
  });

  it('survives as a word', () => {
    for (const place of places) expect(parseCursor(cursorOf(place))).to.deep.equal(place);
    for (const text of ['', '1.2', 'x.open.r', '1.open.', '1.shut.r', '1.open.r/s']) {
      expect(parseCursor(text), text).to.equal(undefined);
    }
  });
});

describe('an action on many sessions', () => {
  const sessions = Array.from({ length: 9 }, (_, i) => ({ project: 'shop', id: `s${i}` }));

  it('is done to each once, so many at a time, whatever becomes of the others', async () => {
    let running = 0;
    let most = 0;
    const progress: number[] = [];

    const result = await forEachSession(
      sessions,
      async ({ id }) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running -= 1;
        if (id === 's3') throw new Error('no worker');
        return id === 's4' ? 'already' : 'ended';
      },
      { atOnce: 4, onProgress: (done) => progress.push(done) },
    );

    expect(most).to.equal(4);
    expect(progress).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(result).to.deep.equal({
      matched: 9,
      outcomes: { ended: 7, already: 1 },
      failed: [{ project: 'shop', id: 's3', error: 'no worker' }],
      left: 0,
    });
  });

  it('begins no further one once it is stopped, and says how many are left', async () => {
    const stopping = new AbortController();

    const result = await forEachSession(
      sessions,
      ({ id }) => {
        if (id === 's2') stopping.abort();
        return Promise.resolve('ended');
      },
      { atOnce: 1, signal: stopping.signal },
    );

    expect(result).to.deep.include({ outcomes: { ended: 3 }, left: 6 });
  });

  it('tells who calls of a failure where that is not caught', async () => {
    const failing = each([1, 2], 2, () => Promise.reject(new Error('gone')));

    expect(await failing.then(String, String)).to.equal('Error: gone');
  });
});
