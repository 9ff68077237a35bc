/** The audit's SQL against the catalogue, and what counts as a difference while a loader is at work. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type DriftRow, findDrift, type Look, LOOKS_MAX } from '../../operations/settled-drift.ts';
import {
  CATALOGUE_VERSION,
  catalogueOf,
  DECLARED,
  SESSION_METRICS,
} from '../../shared/catalogue.ts';

const { eventMetrics } = catalogueOf(CATALOGUE_VERSION);
/** Declared dimensions are not compared: each project has others. */
const isCompared = (split: string) => split !== DECLARED;

describe('the view sojourn.audit', () => {
  const sql = newestAudit();
  const lines = [...sql.matchAll(/\('(\w+)', '(\w*)', '(\w+)', '(\w+)', \w+, \w+\)/g)].map(
    ([, time = '', split = '', metric = '', granularity = '']) => ({
      time,
      split,
      metric,
      granularity,
    }),
  );

  it('has a line for every metric of sessions in the catalogue, in its bucket, and for no other', () => {
    // What is from bots is filed once more: of that the totals are compared.
    const withBots = (split: string) => (split === '' ? ['', 'audience'] : [split]);
    const catalogued = SESSION_METRICS.flatMap(({ metric, granularity, bucket, dimensions }) =>
      dimensions
        .filter(isCompared)
        .flatMap(withBots)
        .map((split) => ({
          time: `${bucket === 'firstEventAt' ? 'first' : 'last'}_${granularity}`,
          split,
          metric,
          granularity,
        })),
    );

    expect(
      lines.filter(({ time }) => time !== 'total'),
      'a line of the catalogue needs its line here: add a migration that replaces the view',
    ).to.have.deep.members(catalogued);
  });

  const revenueSplits = eventMetrics
    .filter(({ metric }) => metric === 'revenue')
    .flatMap(({ sessionDimensions = [] }) => sessionDimensions.filter(isCompared));

  it('has totals of everything that events add and sessions count', () => {
    const pageViews = eventMetrics
      .filter(({ metric }) => metric === 'page_views')
      .flatMap(({ dimensions, sessionDimensions = [] }) => [
        ...dimensions.filter((split) => split === ''),
        ...sessionDimensions,
      ]);
    const total = (metric: string, split = '') => ({
      time: 'total',
      split,
      metric,
      granularity: 'total',
    });

    expect(lines.filter(({ time }) => time === 'total')).to.have.deep.members([
      ...pageViews.map((split) => total('page_views', split)),
      total('conversions'),
      total('revenue'),
      ...revenueSplits.map((split) => total('revenue', split)),
    ]);
  });

  it('groups by what its lines are about, and by nothing else', () => {
    const sets = /GROUPING SETS \(([\s\S]*?)\)\)/.exec(sql)?.[1] ?? '';
    const grouped = [...`${sets})`.matchAll(/\(project(?:, )?([^)]*)\)/g)].map(([, keys]) => keys);
    const columnOf = (split: string) => (split === 'audience' ? 'bot' : split);
    const needed = lines.map(({ time, split }) =>
      [time === 'total' ? '' : time, columnOf(split)].filter((key) => key !== '').join(', '),
    );

    expect(grouped.sort()).to.deep.equal([...new Set(needed)].sort());
  });

  it('compares these with the rows of metrics that are the same', () => {
    const lists = [...sql.matchAll(/dimension\) IN \(([\s\S]*?'\))\)/g)].map(([, list = '']) =>
      [...list.matchAll(/\('(\w+)', '(\w+)', '(\w*)'\)/g)].map(([, ...cells]) => cells.join(' ')),
    );
    const [bucketed = [], totals = []] = lists;
    const pageViews = eventMetrics.flatMap(
      ({ metric, granularity, dimensions, sessionDimensions = [] }) =>
        metric !== 'page_views'
          ? []
          : [...dimensions.filter((split) => split === ''), ...sessionDimensions].map((split) =>
              [metric, granularity, split].join(' '),
            ),
    );

    const pairs = [
      ...sql.matchAll(
        /metric_type = 'revenue' AND [^(]*\(metrics\.granularity, dimension\) IN \(([\s\S]*?'\))\)/g,
      ),
    ];
    const revenue = [...(pairs[0]?.[1] ?? '').matchAll(/\('(\w+)', '(\w*)'\)/g)];

    expect(revenue.map(([, ...cells]) => cells.join(' '))).to.have.members([
      'hour ',
      ...revenueSplits.map((split) => `day ${split}`),
    ]);
    expect(bucketed).to.have.members(
      lines
        .filter(({ time }) => time !== 'total')
        .map(({ metric, granularity, split }) => [metric, granularity, split].join(' ')),
    );
    expect(totals).to.have.members(pageViews);
  });
});

describe('what differs between sessions and metrics', () => {
  it('is nothing where the first look finds nothing, whatever the loader does', async () => {
    const { finding, looks } = await findIn([aLook([], '1', '2')]);

    expect(finding).to.deep.equal({ compared: 100, differing: 0, settled: true, rows: [] });
    expect(looks).to.equal(1);
  });

  it('is what two looks in a row saw while nothing was loaded', async () => {
    const { finding, looks } = await findIn([aLook([aRow('a')]), aLook([aRow('a')])]);

    expect(finding).to.deep.include({ differing: 1, settled: true, rows: [aRow('a')] });
    expect(looks).to.equal(2);
  });

  it('is not what was on its way', async () => {
    const { finding, looks } = await findIn([
      aLook([aRow('a'), aRow('b')], '1', '1'),
      aLook([aRow('b')], '2', '2'),
      aLook([aRow('a'), aRow('c')], '3', '4'),
    ]);

    expect(finding).to.deep.include({ differing: 0, settled: true, rows: [] });
    expect(looks).to.equal(3);
  });

  it('is what differs in every look where the loader never pauses, with a doubt', async () => {
    const always = (n: number) =>
      aLook([aRow('a', { inMetrics: String(n) }), aRow(`on its way ${n}`)], `${n}`, `${n + 1}`);
    const { finding, looks } = await findIn(Array.from({ length: 20 }, (_, n) => always(n)));

    expect(looks).to.equal(LOOKS_MAX);
    expect(finding).to.deep.include({
      differing: 1,
      settled: false,
      rows: [aRow('a', { inMetrics: String(LOOKS_MAX - 1) })],
    });
  });

  it('is not certain where something was loaded between two looks that agree', async () => {
    const { finding, looks } = await findIn([
      aLook([aRow('a')], '1', '1'),
      aLook([aRow('a')], '2', '2'),
      aLook([aRow('a')], '2', '2'),
    ]);

    expect(finding).to.deep.include({ differing: 1, settled: true });
    expect(looks).to.equal(3);
  });

  for (const other of [
    { project: 'other' },
    { metricType: 'other' },
    { granularity: 'other' },
    { bucket: 'other' },
    { dimension: 'other' },
    { dimensionValue: 'other' },
  ]) {
    it(`knows rows apart by ${Object.keys(other).join()}`, async () => {
      const { finding } = await findIn([aLook([aRow('a')]), aLook([aRow('a', other)])]);

      expect(finding.differing).to.equal(0);
    });
  }

  it('takes back nothing where the rows are too many to be read', async () => {
    const many = (row: DriftRow) => ({ ...aLook([row]), differing: 50 });
    const { finding } = await findIn([many(aRow('a')), many(aRow('b')), many(aRow('b'))]);

    expect(finding).to.deep.include({ differing: 50, settled: true, rows: [aRow('b')] });
  });
});

async function findIn(sequence: readonly Look[]) {
  let looks = 0;
  let pauses = 0;
  const finding = await findDrift({
    look: () => {
      looks += 1;
      const look = sequence[looks - 1];
      return look === undefined ? Promise.reject(new Error('one too many')) : Promise.resolve(look);
    },
    pause: () => {
      pauses += 1;
      return Promise.resolve();
    },
  });
  expect(pauses).to.equal(looks - 1);
  return { finding, looks };
}

function aLook(rows: readonly DriftRow[], loadedBefore = '1', loadedAfter = '1'): Look {
  return { compared: 100, differing: rows.length, rows, loadedBefore, loadedAfter };
}

function aRow(metricType: string, fields: Partial<DriftRow> = {}): DriftRow {
  return {
    project: 'shop',
    metricType,
    granularity: 'hour',
    bucket: '2026-03-01T10:00:00Z',
    dimension: '',
    dimensionValue: '',
    inSessions: '1',
    inMetrics: '2',
    countInSessions: '1',
    countInMetrics: '2',
    ...fields,
  };
}

/** The newest file that makes the view decides. */
function newestAudit(): string {
  const folder = fileURLToPath(new URL('../../migrations', import.meta.url));
  const texts = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .flatMap((text) => text.split(/;\s*$/m));
  return texts.filter((text) => /VIEW sojourn\.audit\b/.test(text)).at(-1) ?? '';
}
