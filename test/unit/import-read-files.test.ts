/** Files give the same whether one thread reads them or several, and whatever they are packed in. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Record_ } from '../../imports/formats/format.ts';
import { readFiles } from '../../imports/read-files.ts';
import { decodeEvents } from '../../imports/run-file.ts';
import type { BadRecord } from '../../imports/take-records.ts';
import { DEFAULT_SETTINGS } from '../../shared/project.ts';

const AT = Date.UTC(2024, 0, 10, 8);

describe('files that are imported', function () {
  // Threads learn TypeScript first.
  this.timeout(60_000);

  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sojourn-read-files-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  type Batch = readonly Record_['data'][];

  async function read(files: Readonly<Record<string, readonly Batch[]>>, threads: number) {
    async function* open() {
      for (const [file, batches] of Object.entries(files)) {
        let line = 0;
        for (const batch of batches) {
          await Promise.resolve();
          yield { file, records: batch.map((data) => ({ line: (line += 1), data })) };
        }
      }
    }
    const bad: BadRecord[] = [];
    const { id, records, events, latestAt, sessionCount, sessions } = await readFiles({
      ...{ project: 'shop', format: 'sojourn', open, settings: DEFAULT_SETTINGS, threads },
      ...{ receivedAt: AT + 86_400_000, liveFrom: Infinity, visitIdleMs: 1_800_000 },
      folder: join(folder, `threads-${threads}`),
      onBad: (record) => bad.push(record),
      onProgress: () => undefined,
      signal: new AbortController().signal,
      wait: (_what, work) => work,
    });
    const found = Array.from(sessions(), (session) => [session.sessionId, decodeEvents(session)]);
    const told = bad
      .map(({ file, line, reason, data }) => [file, line, reason, Buffer.from(data).toString()])
      .sort();
    return { id, records, events, latestAt, sessionCount, found, told };
  }

  const row = (n: number, more: object = {}) => ({
    ...{ eventType: 'pageview', sessionId: `s-${n % 50}`, timestamp: new Date(AT + n * 1_000) },
    ...{ properties: { path: `/${'x'.repeat(1_000)}${n}` }, userId: null },
    ...more,
  });

  it('have rows of Parquet and lines that are each taken, or told, by several threads as by one', async () => {
    const rows = Array.from({ length: 600 }, (_, n) => row(n));
    const lines = Array.from({ length: 20 }, (_, n) =>
      Buffer.from(JSON.stringify({ ...row(n), sessionId: `line-${n}`, timestamp: AT + n * 1_000 })),
    );
    const other = [
      row(1, { timestamp: BigInt(AT) }),
      row(2, { eventType: undefined }),
      row(3, { timestamp: 'yesterday' }),
    ];
    const files = {
      'all.parquet': [rows],
      'lines.ndjson': [lines, [Buffer.from('{\r')]],
      'other.parquet': [other],
    };

    const here = await read(files, 0);
    const there = await read(files, 2);

    expect(here).to.include({ records: 624, events: 620, sessionCount: 70 });
    expect(here.told.map(([file, line]) => [file, line])).to.deep.equal([
      ['lines.ndjson', 21],
      ['other.parquet', 1],
      ['other.parquet', 2],
      ['other.parquet', 3],
    ]);
    expect(there).to.deep.equal(here);
  });
});
