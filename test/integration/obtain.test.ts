/** Obtaining programs: once for all who ask, whole or not at all, from wherever it works. */
import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { silentLog } from '../../platform/log.ts';
import { obtainBy } from '../../servers/obtain.ts';
import { downloadTemporal, type Recipe, type Source } from '../../servers/recipes.ts';
import { SojournError } from '../../shared/errors.ts';
import { temporaryFolder } from '../support/servers.ts';

const WORKS = '#!/bin/sh\necho a-program 1.2.3\n';
const BROKEN = '#!/bin/sh\nexit 1\n';

describe('obtaining a program', () => {
  it('makes it once, whoever asks at the same time', async () => {
    const cacheDir = temporaryFolder();
    const made: string[] = [];
    const source = sourceOf(WORKS, async (folder) => {
      made.push(folder);
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
    const ask = () => obtainBy(recipeOf(source), { cacheDir, log: silentLog });

    const paths = await Promise.all([ask(), ask(), ask()]);
    const later = await ask();

    expect(new Set([...paths, later])).to.deep.equal(
      new Set([join(cacheDir, 'bin', 'a-program-1.2')]),
    );
    expect(made).to.have.length(1);
    expect(readdirSync(cacheDir)).to.deep.equal(['bin']);
  });

  it('goes on to the next source when one fails or gives something that does not run', async () => {
    const cacheDir = temporaryFolder();
    const steps: string[] = [];
    const fails: Source = {
      ...sourceOf(WORKS),
      what: 'first',
      make: () => Promise.reject(new Error('no')),
    };
    const sources = [
      fails,
      { ...sourceOf(BROKEN), what: 'second' },
      { ...sourceOf(WORKS), what: 'third' },
    ];

    const path = await obtainBy(recipeOf(...sources), {
      cacheDir,
      log: silentLog,
      progress: (name, what, usual) => steps.push(`${name} ${what} ${usual ?? ''}`),
    });

    expect(execFileSync(path, ['--version'], { encoding: 'utf8' })).to.equal('a-program 1.2.3\n');
    expect(steps).to.deep.equal(
      ['first', 'second', 'third'].map((what) => `a-program ${what} soon`),
    );
  });

  it('says all that was tried when nothing works, and leaves nothing behind', async () => {
    const cacheDir = temporaryFolder();

    const error = await obtainBy(recipeOf({ ...sourceOf(BROKEN), what: 'baking it' }), {
      cacheDir,
      log: silentLog,
    }).then(
      () => undefined,
      (reason: unknown) => reason as SojournError,
    );

    expect(error).to.be.instanceOf(SojournError).with.property('code', 'SJ_SERVER_START');
    expect(error?.message).to.equal(
      'there is no sample on this machine, and none could be obtained: do something.\n' +
        'Tried:\n  baking it: what was obtained does not run here',
    );
    expect(readdirSync(cacheDir)).to.deep.equal(['bin']);
    expect(readdirSync(join(cacheDir, 'bin'))).to.deep.equal([]);
  });

  it('prefers what is on PATH, unless it is too old', async () => {
    const cacheDir = temporaryFolder();
    const bin = join(temporaryFolder(), 'bin');
    mkdirSync(bin);
    const onPath = join(bin, 'a-program');
    const env = { PATH: `${bin}:/usr/bin:/bin` };
    const ask = () => obtainBy(recipeOf(sourceOf(WORKS)), { cacheDir, env, log: silentLog });

    writeFileSync(onPath, '#!/bin/sh\necho 1.0.0\n', { mode: 0o755 });
    const good = await ask();
    writeFileSync(onPath, '#!/bin/sh\necho 0.9.9\n');
    const old = await ask();

    expect(good).to.equal(onPath);
    expect(old).to.equal(join(cacheDir, 'bin', 'a-program-1.2'));
  });
});

describe("the vendor's archive of Temporal", () => {
  let server: Server;
  let archive: Buffer;
  const url = (path: string) =>
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`;

  before(async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'temporal'), WORKS, { mode: 0o755 });
    writeFileSync(join(folder, 'LICENSE'), 'text');
    execFileSync('tar', ['-czf', 'archive.tar.gz', 'temporal', 'LICENSE'], { cwd: folder });
    archive = readFileSync(join(folder, 'archive.tar.gz'));
    server = createServer((request, response) => {
      if (request.url === '/redirect') response.writeHead(302, { location: '/archive' }).end();
      else if (request.url === '/archive') response.end(archive);
      else if (request.url === '/cut') response.end(archive.subarray(0, 60));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(() => server.close());

  it('is followed to where it lies, and unpacked', async () => {
    const path = await downloadTemporal(temporaryFolder(), url('redirect'));

    expect(execFileSync(path, { encoding: 'utf8' })).to.equal('a-program 1.2.3\n');
  });

  for (const path of ['cut', 'missing']) {
    it(`is no program when it is ${path}`, async () => {
      const failed = await downloadTemporal(temporaryFolder(), url(path)).then(
        () => false,
        () => true,
      );

      expect(failed).to.equal(true);
    });
  }
});

function recipeOf(...sources: Source[]): Recipe {
  return {
    name: 'a-program',
    title: 'sample',
    onPath: ['a-program'],
    atLeast: '1.0.0',
    version: '1.2',
    sources,
    remedy: 'do something.',
  };
}

function sourceOf(
  text: string,
  meanwhile: (folder: string) => Promise<unknown> = (folder) => Promise.resolve(folder),
): Source {
  return {
    what: 'making it',
    usual: 'soon',
    async make({ folder }) {
      await meanwhile(folder);
      const path = join(folder, 'a-program');
      writeFileSync(path, text);
      chmodSync(path, 0o755);
      return path;
    },
  };
}
