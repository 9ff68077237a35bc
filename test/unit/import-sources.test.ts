/** Files, folders and Parquet as batches of records. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { type ImportFormat, FORMATS } from '../../imports/formats/index.ts';
import { findFiles } from '../../imports/sources/find-files.ts';
import { type OpenOptions, openSources } from '../../imports/sources/open.ts';
import { isFault } from '../../trackers/event.ts';

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));
/** `hello`, `zstd` on two lines, as the program `zstd` packs them, with a checksum. */
const ZSTD = Buffer.from('KLUv/SQLWQAAaGVsbG8KenN0ZApfw9Ty', 'base64');
/** A frame that readers skip, as parallel packers put it in front: four bytes of content. */
const SKIPPED = Buffer.from('502a4d180400000001020304', 'hex');

describe('sources of an import', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sojourn-sources-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const put = (name: string, content: Uint8Array | string) => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  };

  async function read(paths: readonly string[], more: Partial<OpenOptions> = {}) {
    const found: [string, number, unknown][] = [];
    let bytes = 0;
    const tooLong: number[] = [];
    const options: OpenOptions = {
      lineBytesMax: 100,
      onRead: (count) => (bytes += count),
      onTooLong: ({ line }) => tooLong.push(line),
      signal: new AbortController().signal,
      ...more,
    };
    for await (const { file, records } of openSources(paths, options)) {
      for (const { line, data } of records) {
        const content = data instanceof Uint8Array ? Buffer.from(data).toString() : data;
        found.push([file.replace(`${folder}/`, ''), line, content]);
      }
    }
    return { found, bytes, tooLong };
  }
  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => 'no failure',
      (error: unknown) => (error as Error).message,
    );

  it('are told by their first bytes, whatever they are called', async () => {
    const paths = [put('a', 'plain\n'), put('b.log', gzipSync('gz\n')), put('c', ZSTD)];

    expect((await read(paths)).found).to.deep.equal([
      ['a', 1, 'plain'],
      ['b.log', 1, 'gz'],
      ['c', 1, 'hello'],
      ['c', 2, 'zstd'],
    ]);
  });

  it('may be packed in several pieces', async () => {
    const pieces = put('two.gz', Buffer.concat([gzipSync('a\nb'), gzipSync('c\n')]));
    const frames = put('two.zst', Buffer.concat([SKIPPED, ZSTD, SKIPPED, ZSTD]));

    expect((await read([pieces])).found.map(([, , line]) => line)).to.deep.equal(['a', 'bc']);
    expect((await read([frames])).found.map(([, , line]) => line)).to.deep.equal([
      'hello',
      'zstd',
      'hello',
      'zstd',
    ]);
  });

  it('that are cut off, or not what they are called, are failures with the name of the file', async () => {
    expect(await failure(read([put('cut.zst', ZSTD.subarray(0, 20))]))).to.match(
      /cut\.zst cannot be read/,
    );
    expect(await failure(read([put('no.zst', 'plain text')]))).to.contain(
      'not in Zstandard format',
    );
    expect(await failure(read([put('cut.parquet', 'PAR1 and no more')]))).to.match(
      /cut\.parquet cannot be read/,
    );
  });

  it('are walked by name, without what begins with a point', async () => {
    put('logs/b/2.log', 'two');
    put('logs/a.log', 'one');
    put('logs/.hidden', 'x');
    put('logs/c', 'three');

    const { found, bytes } = await read([join(folder, 'logs')]);

    expect(found).to.deep.equal([
      ['logs/a.log', 1, 'one'],
      ['logs/b/2.log', 1, 'two'],
      ['logs/c', 1, 'three'],
    ]);
    expect(bytes).to.equal(11);
  });

  it('that are missing, empty folders or circles are failures before anything is read', () => {
    expect(() => findFiles([join(folder, 'none')])).to.throw('there is no file');
    expect(() => findFiles([folder])).to.throw('there is no file in');
    symlinkSync(folder, join(folder, 'circle'));
    expect(() => findFiles([folder])).to.throw();
  });

  it('tell of lines that are too long, and go on', async () => {
    const { found, tooLong } = await read([put('long', `${'x'.repeat(200)}\nshort\n`)]);

    expect(tooLong).to.deep.equal([1]);
    expect(found).to.deep.equal([['long', 2, 'short']]);
  });

  const format = (name: string): ImportFormat => {
    const found = FORMATS.find((one) => one.name === name);
    if (found === undefined) throw new Error(name);
    return found;
  };
  async function events(name: string, file: string) {
    const one = format(name);
    const reader = one.open({ file, salt: '' });
    const { found } = await read([join(FIXTURES, file)], { columns: one.columns });
    return found
      .flatMap(([, line, data]) => reader.read({ line, data: data as Record<string, unknown> }))
      .map((one) => (isFault(one) ? one.fault : one.event));
  }

  it('are rows of Parquet as BigQuery writes them', async () => {
    const [viewed, scrolled, bought, ...more] = await events('ga4', 'ga4.parquet');

    expect(more).to.deep.equal([]);
    expect(viewed).to.deep.include({
      eventType: 'pageview',
      sessionId: '1234.5678.1772359100',
      timestamp: 1772359200123,
      properties: {
        url: 'https://shop.example/p0?utm_source=fb',
        browser: 'Firefox',
        deviceType: 'desktop',
        country: 'TR',
      },
    });
    expect(scrolled).to.include({ eventType: 'scroll', timestamp: 1772359230123 });
    expect(bought).to.have.property('properties').that.includes({ revenue: 59.9, currency: 'EUR' });
  });

  it('are rows of Parquet as PostHog writes them', async () => {
    expect(await events('posthog', 'posthog.parquet')).to.deep.equal([
      {
        eventType: 'pageview',
        sessionId: 's-1',
        timestamp: 1772359200123,
        eventId: '0195-0',
        visitorId: 'd',
        properties: { url: 'https://shop.example/' },
      },
      {
        eventType: 'signed up',
        sessionId: 's-1',
        timestamp: 1772359202123,
        eventId: '0195-2',
        visitorId: 'd',
        properties: { url: 'https://shop.example/' },
      },
    ]);
  });

  it('are no rows where Parquet has none of the columns', async () => {
    const reading = read([join(FIXTURES, 'ga4.parquet')], { columns: ['uuid'] });

    expect(await failure(reading)).to.contain('none of the columns');
  });
});
