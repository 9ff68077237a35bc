import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { findSource, type Line, readLines, splitLines } from '../../operations/read-lines.ts';

async function collect(batches: AsyncIterable<Line[]>): Promise<[number, string | undefined][]> {
  const lines: [number, string | undefined][] = [];
  for await (const batch of batches) {
    for (const { number, data } of batch) {
      lines.push([number, data === undefined ? undefined : Buffer.from(data).toString('latin1')]);
    }
  }
  return lines;
}

/** The content in chunks of the given sizes. */
async function* chunksOf(content: Uint8Array, sizes: readonly number[]) {
  let start = 0;
  for (const size of sizes) {
    yield await Promise.resolve(content.subarray(start, start + size));
    start += size;
  }
  yield content.subarray(start);
}

describe('lines of a file', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sojourn-lines-'));
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  const read = (name: string, content: Uint8Array | string) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    let bytes = 0;
    const options = {
      lineBytesMax: 100,
      onRead: (more: number) => (bytes += more),
      signal: new AbortController().signal,
    };
    return collect(readLines(findSource(path), options)).then((lines) => ({ lines, bytes }));
  };

  it('are its bytes, with their numbers, without empty ones', async () => {
    const { lines } = await read('a', 'one\n\n\r\n two \r\nthree');

    expect(lines).to.deep.equal([
      [1, 'one'],
      [4, ' two \r'],
      [5, 'three'],
    ]);
  });

  it('are read through gzip, whatever the file is called', async () => {
    const zipped = gzipSync('one\ntwo\n');

    for (const name of ['b.gz', 'b']) {
      const { lines, bytes } = await read(name, zipped);
      expect(lines.map(([, text]) => text)).to.deep.equal(['one', 'two']);
      expect(bytes, 'bytes as stored').to.equal(zipped.length);
    }
  });

  it('are read from files of several gzip members', async () => {
    const { lines } = await read('c.gz', Buffer.concat([gzipSync('one\ntw'), gzipSync('o\n')]));

    expect(lines.map(([, text]) => text)).to.deep.equal(['one', 'two']);
  });

  it('are none of an empty file', async () => {
    expect((await read('d', '')).lines).to.deep.equal([]);
    expect((await read('d.gz', '')).lines).to.deep.equal([]);
  });

  it('fail where a gzip file ends too early', async () => {
    const zipped = gzipSync('one\n'.repeat(1_000));

    const error = await read('e.gz', zipped.subarray(0, 20)).catch((e: unknown) => e);

    expect(error)
      .to.have.property('message')
      .that.matches(/e\.gz cannot be read: unexpected end/);
  });

  it('fail where a file called .gz is none', async () => {
    const error = await read('f.gz', 'one\n').catch((e: unknown) => e);

    expect(error)
      .to.have.property('message')
      .that.matches(/not in gzip format/);
  });

  it('are named where there is no such file', () => {
    expect(() => findSource(join(folder, 'nope'))).to.throw(/there is no file .*nope/);
    expect(() => findSource(folder)).to.throw(/is a folder/);
  });

  it('are told but not kept beyond the limit', async () => {
    const long = 'x'.repeat(101);
    const { lines } = await read('g', `${long}\n${'y'.repeat(100)}\n${long}`);

    expect(lines).to.deep.equal([
      [1, undefined],
      [2, 'y'.repeat(100)],
      [3, undefined],
    ]);
  });

  it('are the same however the content comes in chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('', '\r', 'a', 'bc', 'x'.repeat(9), '\u{1F600}')),
        fc.array(fc.integer({ min: 0, max: 7 })),
        async (texts, sizes) => {
          const content = Buffer.from(texts.join('\n'));
          const expected = content
            .toString('latin1')
            .split('\n')
            .map((text, index): [number, string | undefined] => [
              index + 1,
              text.length > 8 ? undefined : text,
            ])
            .filter(([, text]) => text !== '' && text !== '\r');

          expect(await collect(splitLines(chunksOf(content, sizes), 8))).to.deep.equal(expected);
        },
      ),
    );
  });
});
