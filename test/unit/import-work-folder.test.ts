/** The folder of an import that goes on is nobody else's to remove; that of a killed one is. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { clearWorkFolders, openWorkFolder, type WorkFolder } from '../../imports/work-folder.ts';
import { eventually } from '../support/eventually.ts';

const MINUTE_MS = 60_000;
/** No process of any system has it. */
const NOBODY = 2 ** 30;

describe('the folder of an import', () => {
  let dataDir: string;
  let opened: WorkFolder[];
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'sojourn-work-'));
    opened = [];
  });
  afterEach(() => {
    for (const folder of opened) folder.remove();
    rmSync(dataDir, { recursive: true });
  });

  const open = (touchEveryMs?: number) => {
    const folder = openWorkFolder(dataDir, touchEveryMs);
    opened.push(folder);
    return folder.path;
  };
  const touchedBefore = (path: string, minutes: number) => {
    const at = new Date(Date.now() - minutes * MINUTE_MS);
    utimesSync(path, at, at);
  };
  /** Of another container, whose process has this id. */
  const folderOf = (pid: number, minutes: number) => {
    const path = join(dataDir, 'imports', `import-${pid}-abcdef`);
    mkdirSync(path, { recursive: true });
    touchedBefore(path, minutes);
    return path;
  };

  it('is left over when nobody has touched it for ten minutes, whoever has the id of its process now', () => {
    const killed = folderOf(process.pid, 11);
    const underWay = folderOf(NOBODY, 9);

    open();

    expect([killed, underWay].map(existsSync)).to.deep.equal([false, true]);
  });

  it('is counted and removed by the same rule where somebody is forgotten', () => {
    const killed = folderOf(process.pid, 11);
    const underWay = folderOf(NOBODY, 9);

    expect(clearWorkFolders(dataDir, true)).to.equal(1);
    expect(existsSync(killed)).to.equal(true);
    expect(clearWorkFolders(dataDir, false)).to.equal(1);
    expect([killed, underWay].map(existsSync)).to.deep.equal([false, true]);
  });

  it('is touched for as long as the import goes on', async () => {
    const path = open(5);
    touchedBefore(path, 11);

    await eventually(
      () => {
        expect(Date.now() - statSync(path).mtimeMs).to.be.below(MINUTE_MS);
      },
      { withinMs: 5_000 },
    );
    open();

    expect(existsSync(path)).to.equal(true);
  });
});
