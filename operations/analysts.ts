/** Analysts of one project, as operators make and remove them: by SQL, or in the files of a server that `up` runs. */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { analystUser } from '../platform/analyst-rights.ts';
import {
  type Analyst,
  assertSameProject,
  createAnalyst,
  isUsersInFiles,
  listSqlAnalysts,
  removeSqlAnalyst,
} from '../platform/analyst-users.ts';
import { answers, connectClickHouse, select } from '../platform/clickhouse.ts';
import type { Config } from '../platform/config.ts';
import { reasonOf } from '../platform/unreachable.ts';
import { changeAnalysts, readAnalysts } from '../servers/analysts-file.ts';
import { ownsClickhouse } from '../servers/data-dir.ts';
import { SojournError } from '../shared/errors.ts';

export interface AnalystDeps {
  readonly config: Config & { readonly CLICKHOUSE_URL: string };
  /** As the admin. */
  readonly admin: ClickHouseClient;
  /** Of an `up` whose server it may be. */
  readonly dataDir: string;
  /** How long a server that takes its users from files may take to start anew. @default a minute */
  readonly patienceMs?: number;
}

export interface AddedAnalyst extends Analyst {
  readonly user: string;
  /** Whether the user can log in by now; else once `up` has started its server anew. */
  readonly isReady: boolean;
  /** What the server lets its users do that it should not, in sentences. */
  readonly warnings: readonly string[];
}

const PASSWORD_CHARS_MIN = 12;
const PATIENCE_MS = 60_000;
const ASK_EVERY_MS = 500;

/** Letters and digits, so that it needs no quotes anywhere. */
export function newPassword(): string {
  return randomBytes(18).toString('hex');
}

/** @throws SojournError `SJ_USAGE` */
export function checkPassword(password: string): void {
  if (password.length >= PASSWORD_CHARS_MIN && !/\p{Cc}/u.test(password)) return;
  throw new SojournError(
    'SJ_USAGE',
    `a password must have at least ${PASSWORD_CHARS_MIN} characters, and no control characters`,
  );
}

/**
 * Makes an analyst; one that is there gets the new password.
 * @throws SojournError `SJ_USAGE`, `SJ_CONFIG`, `SJ_SERVER_UNREACHABLE`
 */
export async function addAnalyst(
  deps: AnalystDeps,
  analyst: Analyst,
  password: string,
): Promise<AddedAnalyst> {
  const { admin, dataDir } = deps;
  const passwordHash = createHash('sha256').update(password).digest('hex');
  const made = { ...analyst, passwordHash };
  const warnings: string[] = [];
  const inFiles = await createAnalyst(admin, made).then(
    () => false,
    (error: unknown) => isUsersInFiles(error) || explain(error),
  );
  if (inFiles) {
    assertOwnServer(deps);
    await changeAnalysts(dataDir, (before) => {
      assertSameProject(before, analyst);
      return [...before.filter(({ name }) => name !== analyst.name), made];
    });
    warnings.push(FILE_WARNING);
  }
  const user = analystUser(analyst.name);
  const login = connectClickHouse(
    { ...deps.config, CLICKHOUSE_BI_USER: user, CLICKHOUSE_BI_PASSWORD: password },
    'bi',
  );
  try {
    const isReady = await until(deps, () => answers(login));
    if (!keepsPolicies(await versionOf(admin))) warnings.push(VERSION_WARNING);
    return { ...analyst, user, isReady, warnings };
  } finally {
    await login.close();
  }
}

const FILE_WARNING =
  'the embedded ClickHouse is for people who trust each other: its function file() reads any file that `up` can read, passwords too (SECURITY.md)';
const VERSION_WARNING =
  'this version of ClickHouse has a known fault by which a user with row policies may learn a little of other projects: use 26.8 or newer, or 26.7.6.5, 26.6.4.10, 26.5.8.18, 26.3.22.6';

/** The first version of each line that has mended it, as ClickHouse tells. */
const POLICIES_MENDED = ['26.3.22.6', '26.5.8.18', '26.6.4.10', '26.7.6.5'];
const POLICIES_MENDED_SINCE = [26, 8] as const;

/** Whether row policies of a version of ClickHouse, such as `26.7.6.5`, hold in all ways that are known. */
export function keepsPolicies(version: string): boolean {
  const numbers = (text: string) => text.split('.').map(Number);
  const [year = 0, month = 0, patch = 0, build = 0] = numbers(version);
  const line = POLICIES_MENDED.map(numbers).find(([y, m]) => y === year && m === month);
  if (line === undefined) {
    const [sinceYear, sinceMonth] = POLICIES_MENDED_SINCE;
    return year > sinceYear || (year === sinceYear && month >= sinceMonth);
  }
  const [, , from = 0, fromBuild = 0] = line;
  return patch > from || (patch === from && build >= fromBuild);
}

async function versionOf(client: ClickHouseClient): Promise<string> {
  const [row] = await select<{ version: string }>(client, 'SELECT version() AS version');
  return row?.version ?? '';
}

export interface RemovedAnalyst {
  readonly user: string;
  readonly wasThere: boolean;
  /** Whether it cannot log in any more. */
  readonly isReady: boolean;
}

/**
 * What is not there is no error. The name of another project's analyst is.
 * @throws SojournError `SJ_USAGE`, `SJ_CONFIG`, `SJ_SERVER_UNREACHABLE`
 */
export async function removeAnalyst(deps: AnalystDeps, analyst: Analyst): Promise<RemovedAnalyst> {
  const user = analystUser(analyst.name);
  const known = await listAnalysts(deps);
  const isOurs = ({ name, project }: Analyst) =>
    name === analyst.name && (project === analyst.project || project === '');
  if (!known.some(isOurs)) assertSameProject(known, analyst);
  const wasThere = known.some(isOurs);
  if (await hasUsersInFiles(deps)) {
    await changeAnalysts(deps.dataDir, (before) =>
      before.filter(({ name }) => name !== analyst.name),
    );
  } else {
    await removeSqlAnalyst(deps.admin, analyst.name).catch(explain);
  }
  const isReady = await until(deps, async () => !(await isUser(deps.admin, user)));
  return { user, wasThere, isReady };
}

/** Those of all projects, by name. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function listAnalysts(deps: AnalystDeps): Promise<readonly Analyst[]> {
  if (!(await hasUsersInFiles(deps))) return listSqlAnalysts(deps.admin);
  return readAnalysts(deps.dataDir).map(({ name, project }) => ({ name, project }));
}

/** Where SQL makes no users; only of a server that `up` runs do we know the files. */
async function hasUsersInFiles({ config, admin, dataDir }: AnalystDeps): Promise<boolean> {
  if (!ownsClickhouse(dataDir, config.CLICKHOUSE_ADMIN_PASSWORD)) return false;
  const [row] = await select<{ storages: number }>(
    admin,
    `SELECT count() AS storages FROM system.user_directories WHERE type NOT IN ('users_xml', 'users.xml')`,
  );
  return Number(row?.storages) === 0;
}

function assertOwnServer({ config, dataDir }: AnalystDeps): void {
  if (ownsClickhouse(dataDir, config.CLICKHOUSE_ADMIN_PASSWORD)) return;
  throw new SojournError(
    'SJ_CONFIG',
    `this ClickHouse takes its users from its own files and makes none by SQL, and it is not the one that \`up\` runs on ${dataDir}: give it a directory for users (user_directories, local_directory), or name the folder with --data-dir`,
  );
}

async function isUser(admin: ClickHouseClient, user: string): Promise<boolean> {
  const rows = await select<{ name: string }>(
    admin,
    'SELECT name FROM system.users WHERE name = {user: String}',
    { user },
  );
  return rows.length > 0;
}

/** A server that starts anew does not answer for a moment. */
async function until(
  { patienceMs = PATIENCE_MS }: AnalystDeps,
  isTrue: () => Promise<boolean>,
): Promise<boolean> {
  for (const end = Date.now() + patienceMs; ;) {
    if (await isTrue().catch(() => false)) return true;
    if (Date.now() >= end) return false;
    await sleep(ASK_EVERY_MS);
  }
}

function explain(error: unknown): never {
  if (error instanceof SojournError) throw error;
  throw new SojournError(
    'SJ_SERVER_UNREACHABLE',
    `ClickHouse did not do it (${reasonOf(error)}): the admin needs the rights to make users and row policies, and the same run again goes on where it stopped`,
    { cause: error },
  );
}
