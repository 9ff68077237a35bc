/**
 * The database a new data folder of Temporal begins with. The server's own has 45 indexes on its
 * list of workflows, and each start and end of a workflow writes all of them: a quarter of its CPU
 * per session. Since it makes its tables only where there is no file, we let it make one once,
 * drop the indexes that nobody here asks for, and keep that in the cache for all data folders.
 *
 *   <cacheDir>/templates/temporal-<key>-<hash of the content>.db
 *
 * The name says what is inside, so a damaged file is found out, and two processes that make it at
 * the same time put two good files beside each other. All this only saves CPU: whatever goes wrong
 * is a warning, and the server makes its tables itself.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import { toError } from '../shared/errors.ts';
import { launch, untilReady } from './guard.ts';
import { freePort } from './ports.ts';
import { run } from './run-command.ts';

export interface TemplateOptions {
  readonly binary: string;
  readonly cacheDir: string;
  readonly namespace: string;
  readonly searchAttributes: Readonly<Record<string, string>>;
  readonly log: Logger;
}

export interface Template {
  readonly path: string;
  readonly content: Uint8Array;
}

/** Which column of the list each search attribute is in, by the column: `Keyword07` → its name. */
export type AttributeColumns = Readonly<Record<string, string>>;

/** Goes up when a template is made otherwise. */
const TEMPLATE_VERSION = 1;

const TABLE = 'executions_visibility';

/**
 * What the server's own workflows, the first pages of the UI and our commands ask by; the columns of
 * our search attributes come on top. Every other column can still be searched, only more slowly.
 */
export const KEPT_INDEXES: readonly string[] = [
  'default_idx',
  'by_workflow_id',
  'by_workflow_type',
  'by_status',
  'by_execution_time',
  'by_temporal_namespace_division',
];

/** As long as the server itself has (temporal.ts): here it makes its tables, too. */
const READY_TIMEOUT_MS = 90_000;
const PROBE_TIMEOUT_MS = 2_000;
/** Making one takes seconds: what is older was left by a process that was killed. */
const DRAFT_AGE_MAX_MS = 3_600_000;
const HASH_CHARS = 16;

/** From the cache, made first where it is missing; undefined, with a warning, if that fails. */
export async function findOrMakeTemplate(options: TemplateOptions): Promise<Template | undefined> {
  const { binary, cacheDir, log } = options;
  const folder = join(cacheDir, 'templates');
  try {
    mkdirSync(folder, { recursive: true });
    const key = templateKey({ ...options, program: await run(binary, ['--version']) });
    return findTemplate(folder, key, log) ?? (await makeTemplate(folder, key, options));
  } catch (error) {
    log.warn(
      { err: toError(error) },
      'no template for a new Temporal database: the server will work, with all its indexes',
    );
    return undefined;
  }
}

/** The same for the same program, namespace and search attributes, in whatever order. */
export function templateKey({
  program,
  namespace,
  searchAttributes,
}: {
  /** What the program says of its version. */
  readonly program: string;
  readonly namespace: string;
  readonly searchAttributes: Readonly<Record<string, string>>;
}): string {
  const attributes = Object.entries(searchAttributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return hashOf(
    JSON.stringify([TEMPLATE_VERSION, program.trim(), namespace, attributes, KEPT_INDEXES]),
  );
}

/**
 * The indexes of a namespace's own search attributes. The server gives each the next free column of
 * a hash map, another one each time. Texts and lists of keywords have no such index.
 */
export function attributeIndexes(columns: AttributeColumns): string[] {
  return Object.keys(columns).flatMap((column) => {
    const [, type, number] = /^(Bool|Datetime|Double|Int|Keyword)(\d+)$/.exec(column) ?? [];
    return type === undefined || number === undefined ? [] : [`by_${type.toLowerCase()}_${number}`];
  });
}

/** A good one of this key. Damaged ones are removed. */
function findTemplate(folder: string, key: string, log: Logger): Template | undefined {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`temporal-${key}-`)) continue;
    const path = join(folder, name);
    const content = readFileSync(path);
    if (name === fileName(key, content)) return { path, content };
    log.warn({ path }, 'the template for a new Temporal database is damaged, making it again');
    rmSync(path, { force: true });
  }
  return undefined;
}

async function makeTemplate(
  folder: string,
  key: string,
  options: TemplateOptions,
): Promise<Template> {
  removeLeftovers(folder);
  const draft = mkdtempSync(join(folder, 'draft-'));
  try {
    const { database, columns } = await letServerMake(draft, options);
    const kept = [...KEPT_INDEXES, ...attributeIndexes(columns)];
    const content = await keepIndexes(readFileSync(database), kept);
    const path = join(folder, fileName(key, content));
    const whole = join(draft, 'template.db');
    writeFileSync(whole, content);
    renameSync(whole, path);
    options.log.info({ path, kept }, 'template for new Temporal databases made');
    return { path, content };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** A database of the server's own making, closed again, and what it has put where. */
async function letServerMake(
  draft: string,
  { binary, namespace, searchAttributes, log }: TemplateOptions,
): Promise<{ database: string; columns: AttributeColumns }> {
  const database = join(draft, 'temporal.db');
  const port = await freePort();
  // Not in WAL mode, which sql.js cannot open: the server sets that when it starts on the copy.
  const args = [
    ...['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port)],
    ...['--db-filename', database, '--namespace', namespace],
    ...['--log-level', 'error', '--log-format', 'json', '--color', 'never'],
    ...Object.entries(searchAttributes).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${type}`,
    ]),
  ];
  const server = await launch({ name: 'temporal', file: binary, args, dataDir: draft, log });
  let columns: AttributeColumns = {};
  try {
    const probe = async (): Promise<boolean> => {
      columns = await readColumns(`127.0.0.1:${port}`, namespace);
      return true;
    };
    await untilReady(server, probe, { timeoutMs: READY_TIMEOUT_MS });
  } finally {
    await server.stop();
  }
  if (server.exit?.code !== 0 || existsSync(`${database}-journal`)) {
    throw new Error(`the server did not close its new database; it said:\n${server.lastLines()}`);
  }
  const placed = Object.values(columns);
  const lost = Object.keys(searchAttributes).filter((name) => !placed.includes(name));
  if (lost.length > 0) throw new Error(`the server has not taken ${lost.join(', ')}`);
  return { database, columns };
}

async function readColumns(address: string, namespace: string): Promise<AttributeColumns> {
  const connection = await Connection.connect({ address, connectTimeout: PROBE_TIMEOUT_MS });
  try {
    return await connection.withDeadline(Date.now() + PROBE_TIMEOUT_MS, async () => {
      const service = connection.workflowService;
      await service.countWorkflowExecutions({ namespace });
      const { config } = await service.describeNamespace({ namespace });
      return config?.customSearchAttributeAliases ?? {};
    });
  } finally {
    await connection.close();
  }
}

/** The database without the indexes that are not named. @throws if it lacks one that is */
async function keepIndexes(database: Uint8Array, kept: readonly string[]): Promise<Uint8Array> {
  // A megabyte of WebAssembly, and hardly ever needed.
  const { default: initSqlJs } = await import('sql.js');
  const { Database } = await initSqlJs();
  const db = new Database(database);
  try {
    // Those that make a key unique have no statement of their own, and stay.
    const found = db.exec(
      `SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = '${TABLE}' AND sql IS NOT NULL`,
    );
    const names = (found[0]?.values ?? []).map(([name]) => String(name));
    const missing = kept.filter((name) => !names.includes(name));
    if (missing.length > 0) throw new Error(`${TABLE} has no index ${missing.join(', ')}`);
    for (const name of names) if (!kept.includes(name)) db.run(`DROP INDEX "${name}"`);
    // No VACUUM: it may number the rows anew, by which the full-text tables know them.
    return db.export();
  } finally {
    db.close();
  }
}

function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const since = name.startsWith('draft-')
      ? statSync(path, { throwIfNoEntry: false })?.mtimeMs
      : undefined;
    if (since !== undefined && Date.now() - since > DRAFT_AGE_MAX_MS)
      rmSync(path, { recursive: true, force: true });
  }
}

function fileName(key: string, content: Uint8Array): string {
  return `temporal-${key}-${hashOf(content)}.db`;
}

function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, HASH_CHARS);
}
