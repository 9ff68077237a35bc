/** The settings of projects, as operators see and change them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import type { KvEntry } from '@nats-io/kv';
import { isJetStreamAway } from '../platform/jetstream-away.ts';
import type { Nats } from '../platform/nats.ts';
import { isThere, readBucket, readEntry, replaceEntry } from '../platform/project-bucket.ts';
import { writeProjectRow } from '../platform/project-rows.ts';
import { reasonOf } from '../platform/unreachable.ts';
import { loadZones } from '../platform/zones.ts';
import { SojournError } from '../shared/errors.ts';
import { PROJECT_PATTERN } from '../shared/ids.ts';
import {
  type ChangedSetting,
  changesBetween,
  changeSettings,
  namedIn,
  type SettingsChange,
} from '../shared/project-change.ts';
import {
  DEFAULT_SETTINGS,
  encodeSettings,
  parseSettings,
  type ProjectSettings,
  type Setting,
} from '../shared/project.ts';
import { QUOTA_FROM_MS } from '../shared/quota.ts';
import { Fault } from '../shared/fault.ts';
import type { IsZone } from '../shared/setting-rules.ts';

export interface Project {
  readonly project: string;
  readonly settings: ProjectSettings;
  /** What is kept and breaks a rule, so that its default counts: a sentence each. */
  readonly faults: readonly string[];
  /** RFC 3339, UTC; null where nothing was ever set. */
  readonly changed: string | null;
}

/** Projects for which something is set, by name. @throws SojournError `SJ_MIGRATION`; what the client throws */
export async function listProjects(nats: Pick<Nats, 'js'>): Promise<readonly Project[]> {
  const entries = await readBucket(nats);
  const { isZone } = loadZones();
  return entries
    .filter(({ key }) => PROJECT_PATTERN.test(key))
    .map((entry) => projectOf(entry.key, entry, isZone))
    .sort((a, b) => (a.project < b.project ? -1 : 1));
}

/** One project; that of which nobody has heard has the defaults. @throws SojournError `SJ_MIGRATION`; what the client throws */
export async function showProject(nats: Pick<Nats, 'js'>, project: string): Promise<Project> {
  return projectOf(project, await readEntry(nats, project), loadZones().isZone);
}

export interface ProjectSet extends Project {
  readonly changes: readonly ChangedSetting[];
}

const QUOTA_SETTINGS: ReadonlySet<Setting> = new Set(['maxMessagesPerDay', 'maxBytesPerDay']);

/** Another one that sets the same project at the same time is through within a few milliseconds. */
const TRIES_MAX = 20;

export interface SetProjectDeps {
  readonly nats: Pick<Nats, 'js'>;
  /** As the writer: it inserts a row and reads nothing. */
  readonly tables: ClickHouseClient;
}

/** @throws SojournError `SJ_USAGE` where a value breaks a rule, whatever is set already */
export function checkChange(change: SettingsChange): void {
  changed(DEFAULT_SETTINGS, change, loadZones().isZone);
}

/**
 * Sets what is given, and leaves the rest, also what somebody else sets at the same time. The bucket comes first, for it
 * is the truth; the row follows also where the bucket has it all already, so that to try again mends it.
 * @throws SojournError `SJ_USAGE` where a value breaks a rule; `SJ_MIGRATION`; `SJ_SERVER_UNREACHABLE` where NATS does
 * not answer the write, or ClickHouse does not take the row; `SJ_TIMEOUT` where others are always quicker; what the client of NATS throws
 */
export async function setProject(
  { nats, tables }: SetProjectDeps,
  project: string,
  change: SettingsChange,
): Promise<ProjectSet> {
  const { isZone } = loadZones();
  await checkKeysAreFree(nats, project, change);
  const changes = await setInBucket(nats, project, change, isZone);
  // What is there by now: also where somebody has set it again meanwhile, the row says what the bucket says.
  const entry = await readEntry(nats, project);
  if (entry !== undefined && isThere(entry)) {
    await writeProjectRow(tables, entry, isZone).catch(explainRow);
  }
  // So that what is published, or replayed, after this is judged by it.
  if (changes.some(({ setting }) => QUOTA_SETTINGS.has(setting))) await sleep(QUOTA_FROM_MS);
  return { ...projectOf(project, entry, isZone), changes };
}

/**
 * Sets what is given for a project for which nobody has set anything yet, and for no other.
 * @returns false where somebody has, also in this very moment
 * @throws as {@link setProject}
 */
export async function setUntouchedProject(
  { nats, tables }: SetProjectDeps,
  project: string,
  change: SettingsChange,
): Promise<boolean> {
  const { isZone } = loadZones();
  const before = await readEntry(nats, project);
  if (before !== undefined) return false;
  const encoded = encodeSettings(changed(DEFAULT_SETTINGS, change, isZone));
  const isWritten = await replaceEntry(nats, project, encoded, undefined).catch(explainUnanswered);
  const entry = isWritten ? await readEntry(nats, project) : undefined;
  if (entry === undefined || !isThere(entry)) return false;
  await writeProjectRow(tables, entry, isZone).catch(explainRow);
  return true;
}

/** A key names one project. Of two that set it at the same moment `collect` goes by the first one's name, and says so. */
async function checkKeysAreFree(
  nats: Pick<Nats, 'js'>,
  project: string,
  { collectKeys = [] }: SettingsChange,
): Promise<void> {
  const wanted = new Set(collectKeys.flatMap((edit) => ('add' in edit ? [edit.add] : [])));
  if (wanted.size === 0) return;
  for (const other of await listProjects(nats)) {
    const taken = other.settings.collectKeys.find((key) => wanted.has(key));
    if (taken === undefined || other.project === project) continue;
    throw new SojournError(
      'SJ_USAGE',
      `--collect-key ${taken} is that of project ${other.project}; take it away there first`,
    );
  }
}

async function setInBucket(
  nats: Pick<Nats, 'js'>,
  project: string,
  change: SettingsChange,
  isZone: IsZone,
): Promise<readonly ChangedSetting[]> {
  for (let tried = 1; tried <= TRIES_MAX; tried += 1) {
    const before = await readEntry(nats, project);
    const text = before !== undefined && isThere(before) ? before.string() : undefined;
    const old = text === undefined ? DEFAULT_SETTINGS : parseSettings(text, isZone).settings;
    const settings = changed(old, change, isZone);
    const encoded = encodeSettings(settings, text, namedIn(change));
    const isWritten =
      encoded === text ||
      (await replaceEntry(nats, project, encoded, before).catch(explainUnanswered));
    if (isWritten) return changesBetween(old, settings);
  }
  throw new SojournError(
    'SJ_TIMEOUT',
    `the settings of project ${project} were changed by others each of ${TRIES_MAX} times; try again`,
  );
}

function changed(old: ProjectSettings, change: SettingsChange, isZone: IsZone): ProjectSettings {
  const settings = changeSettings(old, change, isZone);
  if (settings instanceof Fault) throw new SojournError('SJ_USAGE', settings.reason);
  return settings;
}

function projectOf(project: string, entry: KvEntry | undefined, isZone: IsZone): Project {
  if (entry === undefined || !isThere(entry)) {
    return { project, settings: DEFAULT_SETTINGS, faults: [], changed: null };
  }
  return {
    project,
    ...parseSettings(entry.string(), isZone),
    changed: entry.created.toISOString(),
  };
}

/** A write without an answer may be there all the same; to make it twice is to make it once. */
function explainUnanswered(error: unknown): never {
  if (!isJetStreamAway(error)) throw error;
  throw new SojournError(
    'SJ_SERVER_UNREACHABLE',
    'NATS did not say whether it has kept the settings; run the same again',
    { cause: error },
  );
}

function explainRow(error: unknown): never {
  throw new SojournError(
    'SJ_SERVER_UNREACHABLE',
    `set, and ingest goes by it, but ClickHouse did not take the row that the views go by (${reasonOf(error)}); run the same again, or \`npx sojourn migrate\``,
    { cause: error },
  );
}
