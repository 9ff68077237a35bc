/** Shows what is set for projects, and what setting it has changed. */
import pc from 'picocolors';
import { withNats } from '../operations/connect.ts';
import {
  checkChange,
  listProjects,
  type Project,
  type ProjectSet,
  setProject,
  showProject,
} from '../operations/projects.ts';
import { purgeProjects, type PurgeStep } from '../operations/purge-projects.ts';
import { expectRightClock } from '../operations/right-clock.ts';
import { expectWriterLogin } from '../operations/writer-login.ts';
import { connectClickHouse } from '../platform/clickhouse.ts';
import { SojournError } from '../shared/errors.ts';
import { inWords, namedIn, type SettingsChange } from '../shared/project-change.ts';
import type { Setting } from '../shared/project.ts';
import { commandConfig } from './command-config.ts';
import {
  asJson,
  formatCount,
  print,
  printable,
  printJson,
  printJsonArray,
  printTable,
  remark,
} from './output.ts';
import { type UnderWay, whileUnderWay } from './progress.ts';
import type { SetOptions } from './project.ts';

interface CommonOptions {
  readonly json?: true | undefined;
  readonly dataDir: string;
}

/** Prints the projects for which something is set. */
export async function printProjects(options: CommonOptions): Promise<void> {
  const config = commandConfig(options, ['NATS_URL']);
  const projects = await withNats(config, listProjects);
  if (asJson(options)) {
    await printJsonArray(projects.map(jsonOf));
    return;
  }
  if (projects.length === 0) {
    remark('nothing is set for any project');
    return;
  }
  printTable(
    ['PROJECT', ...LABELS.map(([, label]) => label.toUpperCase()), 'CHANGED'],
    projects.map(({ project, settings, changed }) => [
      project,
      ...LABELS.map(([setting]) => inWords(settings, setting)),
      shortTime(changed),
    ]),
  );
  for (const project of projects) remarkFaults(project);
}

/** Prints one project. */
export async function printProject(project: string, options: CommonOptions): Promise<void> {
  const config = commandConfig(options, ['NATS_URL']);
  const found = await withNats(config, (nats) => showProject(nats, project));
  remarkFaults(found);
  if (asJson(options)) printJson(jsonOf(found));
  else printOne(found);
}

/** Sets, and prints what is different and what that means. @throws SojournError, as `setProject` and `expectWriterLogin` do */
export async function setAndPrint(project: string, options: SetOptions): Promise<void> {
  const change = changeOf(options);
  // Before anything is asked of a server.
  checkChange(change);
  const config = commandConfig(options, ['NATS_URL', 'CLICKHOUSE_URL']);
  const tables = connectClickHouse(config, 'writer');
  try {
    // Ingests have to know of a quota before it counts, and ClickHouse may be slow to answer.
    const setting = async () => {
      await expectWriterLogin(config, tables);
      return withNats(config, (nats) => setProject({ nats, tables }, project, change));
    };
    const outcome = await whileUnderWay('setting the project', setting, options);
    printOutcome(outcome, options);
  } finally {
    await tables.close();
  }
}

/** Deletes what is older than projects keep it, and prints what that was. @throws SojournError, as `purgeProjects` does */
export async function purgeAndPrint(options: CommonOptions): Promise<void> {
  const config = commandConfig(options, ['NATS_URL', 'CLICKHOUSE_URL']);
  const admin = connectClickHouse(config, 'admin');
  try {
    const now = Date.now();
    const purging = async ({ note }: UnderWay) => {
      await expectRightClock(admin, now);
      const onStep = ({ project, table, nth, of }: PurgeStep) => {
        note(`${table} of ${printable(project)}, project ${nth} of ${of}`);
      };
      return withNats(config, (nats) => purgeProjects({ nats, admin, onStep }, now));
    };
    const purged = await whileUnderWay('deleting old rows:', purging, options);
    if (options.json === true) printJson(purged);
    else if (purged.length === 0) remark('all projects keep their rows for ever');
    else
      printTable(
        ['PROJECT', 'KEPT FROM', 'SESSIONS DELETED', 'METRIC ROWS DELETED', 'DEAD LETTERS DELETED'],
        purged.map(({ project, keptFrom, ...deleted }) => [
          ...[project, shortTime(keptFrom)],
          ...[deleted.sessions, deleted.metrics, deleted.deadLetters].map(formatCount),
        ]),
      );
  } finally {
    await admin.close();
  }
}

/** @throws SojournError `SJ_USAGE` where nothing is to be set */
function changeOf(options: SetOptions): SettingsChange {
  const { timeZone, week, currency, ownHost, dimension, retention, collectKey } = options;
  const { maxMessagesPerDay, maxBytesPerDay } = options;
  const change: SettingsChange = {
    timeZone,
    week,
    currency: currency === true ? undefined : currency,
    ownHosts: typeof ownHost === 'object' ? ownHost : undefined,
    dimensions: typeof dimension === 'object' ? dimension : undefined,
    retention: retention === true ? undefined : retention,
    collectKeys: typeof collectKey === 'object' ? collectKey : undefined,
    maxMessagesPerDay: maxMessagesPerDay === true ? undefined : maxMessagesPerDay,
    maxBytesPerDay: maxBytesPerDay === true ? undefined : maxBytesPerDay,
  };
  if (namedIn(change).length === 0) {
    throw new SojournError(
      'SJ_USAGE',
      'name what to set, for example --time-zone Europe/Berlin; `npx sojourn project set --help` has all of it',
    );
  }
  return change;
}

function printOutcome(outcome: ProjectSet, options: CommonOptions): void {
  const { changes, settings, project } = outcome;
  if (settings.currency !== undefined && !/^[A-Z]{3}$/.test(settings.currency)) {
    remark(`${printable(settings.currency)} is no code of ISO 4217, which are three capitals`);
  }
  if (options.json === true) {
    printJson({ ...jsonOf(outcome), changes });
    return;
  }
  if (changes.length === 0) print(`${project} has all of that already`);
  for (const { setting, before, after, meaning } of changes) {
    print(`${labelOf(setting)}: ${printable(before)} → ${printable(after)}`);
    print(pc.dim(`  ${meaning}`));
  }
}

function printOne({ project, settings, changed }: Project): void {
  const lines = [
    ['project', project],
    ...LABELS.map(([setting, label]) => [label, inWords(settings, setting)]),
    ['changed', shortTime(changed)],
  ];
  for (const [label = '', value = ''] of lines) {
    print(`${pc.dim(label.padEnd(LABEL_WIDTH))}${printable(value)}`);
  }
}

const LABELS: readonly (readonly [setting: Setting, label: string])[] = [
  ['timeZone', 'time zone'],
  ['week', 'week'],
  ['currency', 'currency'],
  ['ownHosts', 'own hosts'],
  ['dimensions', 'dimensions'],
  ['retention', 'retention'],
  ['collectKeys', 'collect keys'],
  ['maxMessagesPerDay', 'messages a day'],
  ['maxBytesPerDay', 'bytes a day'],
];
const LABEL_WIDTH = 16;

function labelOf(setting: Setting): string {
  return LABELS.find(([name]) => name === setting)?.[1] ?? setting;
}

function shortTime(time: string | null): string {
  return time === null ? 'never' : time.slice(0, 19).replace('T', ' ');
}

function jsonOf({ project, settings, faults, changed }: Project): object {
  const { currency = null, retentionDays, ...others } = settings;
  const { maxMessagesPerDay = null, maxBytesPerDay = null } = settings;
  const retention = retentionDays === undefined ? null : `${retentionDays}d`;
  const quota = { maxMessagesPerDay, maxBytesPerDay };
  return {
    project,
    ...others,
    currency,
    retention,
    ...quota,
    changed,
    ...(faults.length > 0 && { faults }),
  };
}

function remarkFaults({ project, faults }: Project): void {
  for (const fault of faults) remark(`${project}: ${printable(fault)}; its default counts`);
}
