/**
 * What is set for projects, for a process that runs: the bucket PROJECTS, followed. While it cannot be read, what was last
 * known counts. A bucket that was made anew is the truth, an empty one too.
 */
import type { KvEntry } from '@nats-io/kv';
import { SojournError } from '../shared/errors.ts';
import { PROJECTS_BUCKET } from '../shared/ids.ts';
import {
  DEFAULT_SETTINGS,
  isSameSettings,
  parseSettings,
  type ProjectSettings,
} from '../shared/project.ts';
import type { IsZone } from '../shared/setting-rules.ts';
import {
  type BucketReader,
  type BucketSource,
  type FollowedBucket,
  type FollowOptions,
  followServerBucket,
  followSource,
} from './follow-bucket.ts';
import { isJetStreamAway } from './jetstream-away.ts';
import type { Logger } from './log.ts';
import type { Nats } from './nats.ts';
import { isBucketMissing, isThere } from './project-bucket.ts';

export interface SettingsDeps extends FollowOptions {
  readonly source: BucketSource;
  readonly isZone: IsZone;
}

export interface FollowedSettings extends FollowedBucket {
  /** The same object until something changes. */
  settingsOf(project: string): ProjectSettings;
  /** Of all projects for which something is set; the same map until something changes. */
  all(): ReadonlyMap<string, ProjectSettings>;
}

/** Follows the bucket of a server. @throws as `followSource` does */
export async function followBucket(
  nats: Nats,
  isZone: IsZone,
  log: Logger,
): Promise<FollowedSettings> {
  const settings = keepSettings(isZone, log);
  return { ...settings, ...(await followServerBucket(nats, PROJECTS_BUCKET, settings, { log })) };
}

/** Returns once all settings are there. @throws as `followSource` does */
export async function followSettings({
  source,
  isZone,
  ...options
}: SettingsDeps): Promise<FollowedSettings> {
  const settings = keepSettings(isZone, options.log);
  return { ...settings, ...(await followSource(source, settings, options)) };
}

function keepSettings(
  isZone: IsZone,
  log: Logger,
): BucketReader & Pick<FollowedSettings, 'settingsOf' | 'all'> {
  let known: ReadonlyMap<string, ProjectSettings> = new Map();

  /** @returns those of before where nothing is different */
  function settingsIn(entry: KvEntry): ProjectSettings {
    const { settings, faults } = parseSettings(entry.string(), isZone);
    const project = entry.key;
    if (faults.length > 0) {
      log.warn({ project, faults }, 'settings of a project break rules, their defaults count');
    }
    const before = known.get(project);
    return before !== undefined && isSameSettings(before, settings) ? before : settings;
  }

  function sayChanged(project: string): void {
    log.info({ project }, 'settings of a project have changed');
  }

  return {
    what: 'settings of projects',
    sentenceFor,
    settingsOf: (project) => known.get(project) ?? DEFAULT_SETTINGS,
    all: () => known,
    onAll(watch, watchBefore) {
      const found = new Map(
        watch.first.filter(isThere).map((entry) => [entry.key, settingsIn(entry)] as const),
      );
      const before = known;
      known = found;
      if (watchBefore === undefined) {
        log.debug({ projects: known.size }, 'settings of projects are known');
        return;
      }
      if (watchBefore.created !== watch.created) {
        const lost = [...before.keys()].filter((project) => !found.has(project));
        log.warn({ lost }, 'the bucket with the settings of projects is another one than before');
      }
      for (const project of new Set([...before.keys(), ...found.keys()])) {
        if (before.get(project) !== found.get(project)) sayChanged(project);
      }
    },
    onEntry(entry) {
      const { key: project } = entry;
      const settings = isThere(entry) ? settingsIn(entry) : undefined;
      if (settings === known.get(project)) return;
      const changed = new Map(known);
      if (settings === undefined) changed.delete(project);
      else changed.set(project, settings);
      known = changed;
      sayChanged(project);
    },
  };
}

function sentenceFor(error: unknown): string {
  if (isBucketMissing(error)) {
    return `the bucket ${PROJECTS_BUCKET} is gone: what was last set for projects counts until \`npx sojourn migrate\` has made it again`;
  }
  if (isJetStreamAway(error)) {
    return 'jetstream does not answer: what was last set for projects counts meanwhile';
  }
  return error instanceof SojournError
    ? error.message
    : 'settings of projects cannot be read, what was last set counts';
}
