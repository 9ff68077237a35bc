/** The database a new data folder of Temporal begins with: what it lacks, and that all else works. */
import { expect } from 'chai';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import initSqlJs from 'sql.js';
import { obtainServers, startServers, type Servers } from '../../servers/index.ts';
import { KEPT_INDEXES } from '../../servers/temporal-template.ts';
import { SEARCH_ATTRIBUTES } from '../../shared/search-attributes.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder, TEST_NAMESPACE, testStartOptions } from '../support/servers.ts';

const GARBAGE = 'not a database';
/** Of all that the server makes: those named in its schema. */
const ALL_INDEXES = 45;

const PROJECT = defineSearchAttributeKey('SojournProject', SearchAttributeType.KEYWORD);
const ENGAGED = defineSearchAttributeKey('SojournEngaged', SearchAttributeType.BOOL);

describe('a new data folder of Temporal', function () {
  // Two servers start in some of them, and a third makes a template first.
  this.timeout(300_000);
  let cacheDir: string;

  before('obtain the server', async function () {
    this.timeout(20 * 60_000);
    await obtainServers(testStartOptions('none', ['temporal']));
  });

  beforeEach(() => {
    cacheDir = emptyCache();
  });

  it('has only the indexes that are asked for, and keeps what it was given', async () => {
    const dataDir = temporaryFolder();

    await whileRunning({ dataDir, cacheDir }, async (client) => {
      await startSearched(client);
      expect(await foundBy(client, `SojournProject = 'shop'`)).to.deep.equal(['searched']);
    });

    const indexes = await indexesOf(dataDir);
    expect(indexes).to.include.members([...KEPT_INDEXES]);
    expect(indexes.filter((name) => /^by_keyword_\d\d$/.test(name))).to.have.length(5);
    expect(indexes.filter((name) => /^by_bool_\d\d$/.test(name))).to.have.length(1);
    expect(indexes).to.have.length(KEPT_INDEXES.length + Object.keys(SEARCH_ATTRIBUTES).length);
    await whileRunning({ dataDir, cacheDir }, async (client) => {
      const query = `SojournEngaged = true AND SojournProject = 'shop'`;
      expect(await foundBy(client, query)).to.deep.equal(['searched']);
      expect(await foundBy(client, `TaskQueue = 'none'`)).to.deep.equal(['searched']);
    });
  });

  it('has an index for every search attribute, whichever column that is in', async () => {
    const dataDir = temporaryFolder();
    const columns = new Map<string, string>();

    await whileRunning({ dataDir, cacheDir }, async ({ connection }) => {
      const answer = await connection.workflowService.describeNamespace({
        namespace: TEST_NAMESPACE,
      });
      const aliases = answer.config?.customSearchAttributeAliases ?? {};
      for (const [column, name] of Object.entries(aliases)) columns.set(name, column);
    });

    expect([...columns.keys()]).to.have.members(Object.keys(SEARCH_ATTRIBUTES));
    expect(await indexesOf(dataDir)).to.include.members(
      [...columns.values()].map((column) =>
        column.toLowerCase().replace(/^([a-z]+)(\d+)$/, 'by_$1_$2'),
      ),
    );
  });

  it('may be made by two at the same time', async () => {
    const folders = [temporaryFolder(), temporaryFolder()];

    await Promise.all(folders.map((dataDir) => whileRunning({ dataDir, cacheDir })));

    for (const dataDir of folders) expect(await indexesOf(dataDir)).to.have.length(12);
    expect(templates(cacheDir).join(' ')).not.to.include('draft');
  });

  it('does not begin with a template that was damaged', async () => {
    await whileRunning({ dataDir: temporaryFolder(), cacheDir });
    const [name] = templates(cacheDir) as [string];
    writeFileSync(join(cacheDir, 'templates', name), GARBAGE);
    const dataDir = temporaryFolder();

    await whileRunning({ dataDir, cacheDir });

    expect(await indexesOf(dataDir)).to.have.length(12);
    for (const remade of templates(cacheDir)) {
      expect(readFileSync(join(cacheDir, 'templates', remade), 'latin1')).to.match(/^SQLite/);
    }
  });

  it('has all indexes, then and later, where the server does not start on the template', async () => {
    await whileRunning({ dataDir: temporaryFolder(), cacheDir });
    const [name] = templates(cacheDir) as [string];
    const hash = createHash('sha256').update(GARBAGE).digest('hex').slice(0, 16);
    const whole = join(cacheDir, 'templates', name.replace(/[0-9a-f]+\.db$/, `${hash}.db`));
    renameSync(join(cacheDir, 'templates', name), whole);
    writeFileSync(whole, GARBAGE);
    const dataDir = temporaryFolder();

    await whileRunning({ dataDir, cacheDir });
    const first = indexesMadeIn(dataDir);
    await whileRunning({ dataDir, cacheDir });

    expect(first).to.have.length(ALL_INDEXES);
    expect(indexesMadeIn(dataDir)).to.have.length(ALL_INDEXES);
    expect(existsSync(whole)).to.equal(false);
  });

  it('has all indexes where no template can be kept', async () => {
    writeFileSync(join(cacheDir, 'templates'), '');
    const dataDir = temporaryFolder();

    await whileRunning({ dataDir, cacheDir }, async (client) => {
      // Its search attributes were made just now.
      await startSearched(client);
      expect(await foundBy(client, `SojournProject = 'shop'`)).to.deep.equal(['searched']);
    });

    expect(indexesMadeIn(dataDir)).to.have.length(ALL_INDEXES);
  });
});

async function startSearched(client: Client): Promise<void> {
  await client.workflow.start('searched', {
    taskQueue: 'none',
    workflowId: 'searched',
    typedSearchAttributes: [
      { key: PROJECT, value: 'shop' },
      { key: ENGAGED, value: true },
    ],
  });
}

/** A cache with the programs of the user's, and no template. */
function emptyCache(): string {
  const cacheDir = temporaryFolder();
  const programs = join(testStartOptions('none').cacheDir, 'bin');
  // Where all programs are on PATH there is none in the cache.
  mkdirSync(programs, { recursive: true });
  symlinkSync(programs, join(cacheDir, 'bin'));
  return cacheDir;
}

async function whileRunning(
  { dataDir, cacheDir }: { readonly dataDir: string; readonly cacheDir: string },
  step: (client: Client) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const servers: Servers = await startServers({
    ...testStartOptions(dataDir, ['temporal']),
    cacheDir,
  });
  try {
    const connection = await Connection.connect({ address: servers.temporal?.address ?? '' });
    await step(new Client({ connection, namespace: TEST_NAMESPACE }));
    await connection.close();
  } finally {
    await servers.stop();
  }
}

function foundBy(client: Client, query: string): Promise<string[]> {
  return eventually(
    async () => {
      const ids: string[] = [];
      for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
      expect(ids).not.to.deep.equal([]);
      return ids;
    },
    { withinMs: 60_000 },
  );
}

/** Of a data folder that began with a template, whose server has stopped. */
async function indexesOf(dataDir: string): Promise<string[]> {
  const file = readFileSync(join(dataDir, 'temporal', 'temporal.db'));
  // The server may leave its last writes in the log beside it, but the tables were here before. The
  // mark that there is a log is one that sql.js stumbles on.
  file.fill(1, 18, 20);
  const { Database } = await initSqlJs();
  const db = new Database(file);
  const found = db.exec(
    `SELECT name FROM sqlite_master WHERE tbl_name = 'executions_visibility' AND type = 'index' AND sql IS NOT NULL`,
  );
  db.close();
  return (found[0]?.values ?? []).map(([name]) => String(name));
}

/** All whose statement is in the file or its log, where a server that makes its tables leaves them. */
function indexesMadeIn(dataDir: string): string[] {
  const folder = join(dataDir, 'temporal');
  const text = ['temporal.db', 'temporal.db-wal']
    .map((name) => join(folder, name))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');
  const made = text.matchAll(/CREATE INDEX (\w+)\s+ON executions_visibility/g);
  return [...new Set([...made].map(([, name]) => String(name)))];
}

function templates(cacheDir: string): string[] {
  return readdirSync(join(cacheDir, 'templates'));
}
