/** Makes, removes and shows ClickHouse users who see one project. */
import { text as readAll } from 'node:stream/consumers';
import {
  addAnalyst,
  type AnalystDeps,
  checkPassword,
  listAnalysts,
  newPassword,
  removeAnalyst,
} from '../operations/analysts.ts';
import { analystUser } from '../platform/analyst-rights.ts';
import { connectClickHouse } from '../platform/clickhouse.ts';
import { commandConfig } from './command-config.ts';
import { asJson, print, printJson, printJsonArray, printTable, remark } from './output.ts';
import { whileUnderWay } from './progress.ts';

interface CommonOptions {
  readonly json?: true | undefined;
  readonly dataDir: string;
}

interface NamedOptions extends CommonOptions {
  readonly name?: string | undefined;
}

/** Makes the user; its password is on standard output, and nowhere else. @throws SojournError, as `addAnalyst` does */
export async function addAndPrint(
  project: string,
  options: NamedOptions & { readonly passwordStdin?: true | undefined },
): Promise<void> {
  const { name = project, json, passwordStdin } = options;
  const given = passwordStdin === true ? await passwordFromStdin() : undefined;
  if (given !== undefined) checkPassword(given);
  await withAdmin(options, async (deps) => {
    const set = given ?? deps.config.CLICKHOUSE_ANALYST_PASSWORD;
    if (set !== undefined) checkPassword(set);
    const password = set ?? newPassword();
    const { user, isReady, warnings } = await whileUnderWay(
      'making the user',
      () => addAnalyst(deps, { name, project }, password),
      options,
    );
    const shown = set === undefined ? { password } : {};
    if (json === true) printJson({ user, project, ready: isReady, warnings, ...shown });
    else {
      print(`user: ${user}`);
      print(`project: ${project}`);
      if (set === undefined) print(`password: ${password}`);
      if (set === undefined) remark('the password is shown this once; add again makes another one');
    }
    if (!isReady) remark(NOT_READY);
    for (const warning of warnings) remark(`warning: ${warning}`);
  });
}

const NOT_READY = 'it counts once `sojourn up` has started its ClickHouse anew';

/** @throws SojournError, as `removeAnalyst` does */
export async function removeAndPrint(project: string, options: NamedOptions): Promise<void> {
  await withAdmin(options, async (deps) => {
    const { name = project } = options;
    const { user, wasThere, isReady } = await whileUnderWay(
      'removing the user',
      () => removeAnalyst(deps, { name, project }),
      options,
    );
    if (options.json === true) printJson({ user, removed: wasThere, ready: isReady });
    else print(wasThere ? `${user} is removed` : `there is no ${user}`);
    if (!isReady) remark(NOT_READY);
  });
}

/** @param project all where it is not given */
export async function printAnalysts(
  project: string | undefined,
  options: CommonOptions,
): Promise<void> {
  await withAdmin(options, async (deps) => {
    const all = await listAnalysts(deps);
    const found = all.filter((analyst) => project === undefined || analyst.project === project);
    const rows = found.map((analyst) => ({
      user: analystUser(analyst.name),
      project: analyst.project,
    }));
    if (asJson(options)) await printJsonArray(rows);
    else if (rows.length === 0) remark('there are no analysts of one project');
    else
      printTable(
        ['USER', 'PROJECT'],
        rows.map((row) => [row.user, row.project]),
      );
  });
}

async function withAdmin(
  options: CommonOptions,
  run: (deps: AnalystDeps) => Promise<void>,
): Promise<void> {
  const config = commandConfig(options, ['CLICKHOUSE_URL']);
  const admin = connectClickHouse(config, 'admin');
  try {
    await run({ config, admin, dataDir: options.dataDir });
  } finally {
    await admin.close();
  }
}

/** The first line. */
async function passwordFromStdin(): Promise<string> {
  const all = await readAll(process.stdin);
  return all.split(/\r?\n/, 1)[0] ?? '';
}
