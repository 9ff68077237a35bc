/** Visits that are cut out of two exports: which of them are known by the same name (docs/importing.md). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { combined } from '../../imports/formats/combined.ts';
import { readFiles } from '../../imports/read-files.ts';
import { DEFAULT_SETTINGS } from '../../shared/project.ts';

/** Of one visitor: two visits, the second of them of three page views. */
const TIMES = ['08:00', '09:00', '09:10', '09:20'];

describe('a visit that is in two exports', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sojourn-overlap-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** Ids of the visits, and how many events each has. */
  async function visitsOf(times: readonly string[], salt = 'salt') {
    const records = times.map((time, n) => ({
      line: n + 1,
      data: Buffer.from(`192.0.2.7 - - [10/Jan/2024:${time}:00 +0000] "GET / HTTP/1.1" 200 1`),
    }));
    async function* open() {
      yield await Promise.resolve({ file: 'f', records });
    }
    const { sessions } = await readFiles({
      ...{ project: 'shop', format: 'combined', open, settings: DEFAULT_SETTINGS, threads: 0 },
      ...{ receivedAt: Date.UTC(2024, 1, 1), liveFrom: Infinity, visitIdleMs: 1_800_000 },
      readerOf: (file) => combined.open({ file, salt }),
      folder: mkdtempSync(join(folder, 'export-')),
      onBad: ({ reason }) => expect.fail(reason),
      onProgress: () => undefined,
      signal: new AbortController().signal,
      wait: (_what, work) => work,
    });
    return Array.from(sessions(), ({ sessionId, eventCount }) => [sessionId, eventCount] as const);
  }

  it('has one name where both begin before it, and another where one begins within it', async () => {
    const [first, second] = await visitsOf(TIMES);

    const endsWithin = await visitsOf(TIMES.slice(0, 2));
    const beginsWithin = await visitsOf(TIMES.slice(2));

    expect([first?.[1], second?.[1]]).to.deep.equal([1, 3]);
    expect(await visitsOf(TIMES.slice(1))).to.deep.equal([second]);
    expect(endsWithin).to.deep.equal([first, [second?.[0], 1]]);
    expect(beginsWithin.map(([, events]) => events)).to.deep.equal([2]);
    expect(beginsWithin[0]?.[0]).not.to.equal(second?.[0]);
  });

  it('has another name by another salt', async () => {
    const [one, other] = [await visitsOf(TIMES), await visitsOf(TIMES, 'another')];

    const names = new Set([...one, ...other].map(([sessionId]) => sessionId));
    expect(names.size).to.equal(4);
  });
});
