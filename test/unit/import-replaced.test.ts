/** What is replaced is taken away as it was added: by the catalogue that its own import went by. */
import type { ClickHouseClient } from '@clickhouse/client';
import { expect } from 'chai';
import { createFoldPool } from '../../imports/fold-pool.ts';
import { groupSessions } from '../../imports/group-sessions.ts';
import { prepareChunk, type PreparedChunk, wholeOptionsOf } from '../../imports/prepare-chunk.ts';
import { decodeHead, encodeSession } from '../../imports/run-file.ts';
import { createWait } from '../../imports/wait.ts';
import { silentLog } from '../../platform/log.ts';
import { CATALOGUE_VERSION } from '../../shared/catalogue.ts';
import { parseRowKey } from '../../shared/contributions.ts';
import { ONE } from '../../shared/decimal.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import { frameOf } from '../support/import-frames.ts';

const LIFE = { project: 'shop', id: 'newer', life: 1 };
const OPTIONS = { life: LIFE, idleTimeoutMs: 1_000, liveFrom: Infinity, replace: true };
/** Its hour begins on another local day: catalogue 3 has a row for that. */
const EVENT: VisitorEvent = {
  ...{
    id: 'e-1',
    type: 'pageview',
    at: 3_600_000,
    seq: 1,
    path: '/a',
    channel: 'Direct',
    dayTurned: '+',
  },
};

/** A ClickHouse with the same session, which an import of this catalogue has brought. */
function readerWith(catalogue: number): ClickHouseClient {
  const answer = (query: string): object[] => {
    if (query.includes('FROM sojourn.imports')) {
      return [{ id: 'older', life: 1, catalogue, idleTimeoutMs: 1_000 }];
    }
    if (query.includes('FROM sojourn.sessions')) {
      return [{ sessionId: 's-1', identities: ['old-run'] }];
    }
    if (!query.includes('first_run_id IN')) return [];
    const kept = { sessionId: 's-1', identity: 'old-run', id: 'older', life: 1, newUser: null };
    return [{ ...kept, events: JSON.stringify([EVENT]) }];
  };
  return {
    query: ({ query }: { query: string }) =>
      Promise.resolve({ json: () => Promise.resolve(answer(query)) }),
  } as unknown as ClickHouseClient;
}

async function replacing(catalogue: number): Promise<PreparedChunk> {
  const wait = createWait(silentLog);
  const pool = createFoldPool(0, wholeOptionsOf(OPTIONS), wait);
  const buffer = frameOf({ key: 's-1', flags: 0, event: EVENT });
  const [grouped] = groupSessions(buffer, OPTIONS.idleTimeoutMs);
  const sessions = [decodeHead(encodeSession(buffer, grouped ?? expect.fail()))];
  const reader = readerWith(catalogue);
  const claimUsers = () => Promise.resolve([]);
  const deps = { pool, wait, reader, isOpen: () => false, claimUsers };
  const chunk = { number: 1, sessions, events: 1, isLast: true };
  try {
    return await prepareChunk(deps, chunk, Promise.resolve(), OPTIONS).prepared;
  } finally {
    await pool.stop();
  }
}

const rowsOf = ({ sums }: PreparedChunk) =>
  [...(sums.metrics.get('shop') ?? [])].map(([key, { value, count }]) => {
    const { metric, dimension, dimensionValue } = parseRowKey(key);
    expect([value, count]).to.deep.equal([ONE, 1]);
    return [metric, dimension, dimensionValue];
  });

describe('a session that takes the place of one of an earlier import', () => {
  it('adds nothing where that one was the same', async () => {
    const prepared = await replacing(CATALOGUE_VERSION);

    expect(prepared.insteadOf).to.deep.equal(['old-run']);
    expect(rowsOf(prepared)).to.deep.equal([]);
  });

  it('adds what the catalogue of that import had not', async () => {
    expect(rowsOf(await replacing(2))).to.deep.equal([['page_views_by_quarter', 'path', '/a']]);
    const sinceTheFirst = rowsOf(await replacing(1));
    expect(sinceTheFirst).to.deep.include(['page_views_by_quarter', 'path', '/a']);
    expect(sinceTheFirst).to.deep.include(['sessions', 'channel', 'Direct']);
  });

  it('leaves that one where a later version of Sojourn has brought it', async () => {
    const { noted, insteadOf } = await replacing(CATALOGUE_VERSION + 1);

    expect(insteadOf).to.deep.equal([]);
    expect(noted.map(({ fate }) => fate)).to.deep.equal(['leave']);
  });
});
