/** The day of a real web server that lies beside this checkout, and what must come of it. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { catalogueOf } from '../../shared/catalogue.ts';
import type { Around } from './pipeline.ts';
import type { ReferenceRows } from './reference.ts';

const DATA = fileURLToPath(new URL('../../../shared/data/', import.meta.url));

/** Its events; undefined where the data of the founders is not beside this checkout. */
export const ACCESS_LOG: string | undefined = existsSync(DATA)
  ? `${DATA}access-log.ndjson.gz`
  : undefined;

/** The metrics of a project. Those of the lines that the contract's table has; what the catalogue has besides is not in the file. */
export async function accessLogRows(around: Around, project: string): Promise<ReferenceRows> {
  const { eventMetrics, sessionMetrics } = catalogueOf(1);
  const lines = new Set([
    'new_users+returning_users day ',
    ...[...eventMetrics, ...sessionMetrics].flatMap((line) =>
      [
        ...line.dimensions,
        ...('sessionDimensions' in line ? (line.sessionDimensions ?? []) : []),
      ].map((dimension) => `${line.metric} ${line.granularity} ${dimension}`),
    ),
  ]);
  const isOfTable = (key: string) => {
    const [metric = '', granularity = '', , dimension = ''] = key.split('|');
    return lines.has(`${metric} ${granularity} ${dimension}`);
  };
  return new Map([...(await around.rows(project))].filter(([key]) => isOfTable(key)));
}

/** By a program that shares no code with the project. */
export function expectedAccessLogRows(): ReferenceRows {
  const rows: ReferenceRows = new Map();
  for (const line of gunzipSync(readFileSync(`${DATA}access-log.expected.tsv.gz`))
    .toString()
    .split('\n')) {
    const [
      metric = '',
      granularity = '',
      bucket = '',
      dimension = '',
      dimensionValue = '',
      value = '',
      count = '',
    ] = line.split('\t');
    if (metric === '') continue;
    const isUsers = granularity === 'total';
    const key = isUsers
      ? 'new_users+returning_users|day|2015-05-17T00:00:00.000Z||'
      : [
          metric,
          granularity,
          new Date(`${bucket.replace(' ', 'T')}Z`).toISOString(),
          dimension,
          dimensionValue,
        ].join('|');
    const [whole = '', fraction = ''] = value.split('.');
    const old = rows.get(key) ?? { value: 0n, count: 0 };
    rows.set(key, {
      value: old.value + BigInt(whole + fraction.padEnd(9, '0')),
      count: old.count + Number(count),
    });
  }
  return rows;
}

/** Equal, but for rows that came to nothing. */
export function expectSame(got: ReferenceRows, want: ReferenceRows): void {
  const list = (rows: ReferenceRows) =>
    [...rows]
      .filter(([, a]) => a.value !== 0n || a.count !== 0)
      .map(([key, { value, count }]) => `${key} ${value} ${count}`)
      .sort();
  expect(list(got)).to.deep.equal(list(want));
}
