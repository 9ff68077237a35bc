/** Chunks that are worked out side by side: whoever is first with its answers, none waits for one that waits for it. */
import type { ClickHouseClient } from '@clickhouse/client';
import { expect } from 'chai';
import { createChunkSource } from '../../imports/chunk-source.ts';
import { createFoldPool } from '../../imports/fold-pool.ts';
import { groupSessions } from '../../imports/group-sessions.ts';
import { prepareChunk, wholeOptionsOf } from '../../imports/prepare-chunk.ts';
import { decodeHead, encodeSession, type SessionBytes } from '../../imports/run-file.ts';
import { createWait } from '../../imports/wait.ts';
import { silentLog } from '../../platform/log.ts';
import { frameOf } from '../support/import-frames.ts';
import { readRows } from '../support/row-binary.ts';

const LIFE = { project: 'shop', id: 'an-import', life: 1 };
const OPTIONS = { life: LIFE, idleTimeoutMs: 1_000, liveFrom: Infinity, replace: false };

/** One session of one user, who has been there in each. */
function session(n: number): SessionBytes {
  const event = { id: `e-${n}`, type: 'pageview', at: n * 1_000, seq: 1, userId: 'ann' };
  const buffer = frameOf({ key: `s-${n}`, flags: 0, event });
  const [grouped] = groupSessions(buffer, OPTIONS.idleTimeoutMs);
  return decodeHead(encodeSession(buffer, grouped ?? expect.fail()));
}

/** A ClickHouse that holds nothing, and answers about some chunks later than about others. */
function readerWhoWaits(delaysMs: readonly number[]): ClickHouseClient {
  return {
    async query({ query_params: { chunk = 0 } }: { query_params: { chunk?: number } }) {
      await new Promise((resolve) => setTimeout(resolve, delaysMs[chunk - 1] ?? 0));
      return { json: () => Promise.resolve([]) };
    },
  } as unknown as ClickHouseClient;
}

describe('chunks of an import that are folded side by side', function () {
  this.timeout(30_000);

  for (const delaysMs of [
    [0, 0, 0, 0],
    [900, 300, 600, 0],
    [900, 600, 300, 0],
    [600, 900, 300, 0],
    [300, 900, 600, 0],
  ]) {
    it(`come in their order where ClickHouse answers after ${delaysMs.join(', ')} ms`, async () => {
      const wait = createWait(silentLog);
      const pool = createFoldPool(2, wholeOptionsOf(OPTIONS), wait);
      const claimed: string[] = [];
      const deps = {
        pool,
        wait,
        reader: readerWhoWaits(delaysMs),
        isOpen: () => false,
        claimUsers: (
          visits: readonly { readonly sessionId: string; readonly userId: string }[],
        ) => {
          for (const { sessionId } of visits) claimed.push(sessionId);
          const first = claimed[0];
          return Promise.resolve(
            visits.map(({ sessionId, userId }) => ({ userId, isNew: sessionId === first })),
          );
        },
      };
      const sessions = [1, 2, 3, 4].map(session);
      const source = createChunkSource(
        () => sessions,
        (chunk, before) => prepareChunk(deps, chunk, before, OPTIONS),
        { ahead: pool.size, max: { sessionsMax: 1, eventsMax: 1 } },
      );
      try {
        for (const number of [1, 2, 3, 4]) {
          const { noted, notes, sessions: rows } = await source.chunk(number);
          expect(noted.map(({ sessionId }) => sessionId)).to.deep.equal([`s-${number}`]);
          const made = [
            ...readRows('import_sessions_inbox', notes),
            ...readRows('sessions_inbox', rows),
          ];
          expect(made).to.have.lengthOf(2);
          for (const row of made) {
            const { session_id: sessionId, new_user: isNew, range_from: chunk } = row;
            expect([chunk, sessionId, isNew]).to.deep.equal([number, `s-${number}`, number === 1]);
          }
        }
        expect(claimed).to.deep.equal(['s-1', 's-2', 's-3', 's-4']);
      } finally {
        await pool.stop();
      }
    });
  }

  it('are not loaded where they were noted with other sessions', async () => {
    const wait = createWait(silentLog);
    const pool = createFoldPool(0, wholeOptionsOf(OPTIONS), wait);
    const noted = { sessionId: 's-other', fate: 'load', insteadOf: [] };
    const reader = {
      query: () => Promise.resolve({ json: () => Promise.resolve([noted]) }),
    } as unknown as ClickHouseClient;
    const deps = { pool, wait, reader, isOpen: () => false, claimUsers: () => expect.fail() };
    const chunk = { number: 1, sessions: [session(1)], events: 1, isLast: true };
    try {
      const { claimed, prepared } = prepareChunk(deps, chunk, Promise.resolve(), OPTIONS);
      claimed.catch(() => undefined);
      const error = await prepared.catch((thrown: unknown) => thrown);

      expect(error).to.include({ code: 'SJ_USAGE' });
      expect(String(error)).to.contain('s-1').and.contain('undo an-import');
    } finally {
      await pool.stop();
    }
  });
});
