/**
 * What is set for projects, for a process that runs: the bucket PROJECTS, followed. A change is there within
 * milliseconds. Besides, the state of the bucket is looked at every few seconds: a watch does not tell that it missed
 * something, or that the bucket is another one by now.
 *
 * While the bucket cannot be read, what was last known counts. A bucket that was made anew is the truth, an empty one too.
 */
import type { KvEntry } from '@nats-io/kv';
import { SojournError, toError } from '../shared/errors.ts';
import { PROJECTS_BUCKET } from '../shared/ids.ts';
import {
  DEFAULT_SETTINGS,
  isSameSettings,
  parseSettings,
  type ProjectSettings,
} from '../shared/project.ts';
import type { IsZone } from '../shared/setting-rules.ts';
import { isJetStreamAway, onceJetStreamAnswers } from './jetstream-away.ts';
import type { Logger } from './log.ts';
import type { Nats } from './nats.ts';
import {
  type BucketState,
  bucketState,
  type BucketWatch,
  isBucketMissing,
  isThere,
  watchBucket,
} from './project-bucket.ts';
import { within } from './within.ts';

/** Where the settings come from; tests have one without a server. */
export interface SettingsSource {
  state(): Promise<BucketState>;
  watch(): Promise<BucketWatch>;
}

export interface SettingsDeps {
  readonly source: SettingsSource;
  readonly isZone: IsZone;
  readonly log: Logger;
  readonly checkEveryMs?: number;
}

export interface FollowedSettings {
  /** The same object until something changes. */
  settingsOf(project: string): ProjectSettings;
  /** Of all projects for which something is set; the same map until something changes. */
  all(): ReadonlyMap<string, ProjectSettings>;
  /** Takes all of it anew, now: a watch does not outlive the server that it was on. */
  renew(): void;
  stop(): Promise<void>;
}

const CHECK_EVERY_MS = 5_000;
const AGAIN_MS = { first: 500, max: 10_000 } as const;
const SAY_EVERY_MS = 30_000;
const STOP_MS_MAX = 500;

/** The bucket on a server. */
export function settingsSource(nats: Nats): SettingsSource {
  return { state: () => bucketState(nats), watch: () => watchBucket(nats) };
}

/** Follows the bucket of a server, and looks at it as soon as a lost connection is back. */
export async function followBucket(
  nats: Nats,
  isZone: IsZone,
  log: Logger,
): Promise<FollowedSettings> {
  const followed = await followSettings({ source: settingsSource(nats), isZone, log });
  const statuses = nats.connection.status();
  const onReconnect = async () => {
    for await (const { type } of statuses) if (type === 'reconnect') followed.renew();
  };
  onReconnect().catch((error: unknown) => {
    log.debug({ err: error }, 'connection of the settings of projects is not looked at any more');
  });
  return followed;
}

/**
 * Returns once all settings are there.
 * @throws SojournError `SJ_MIGRATION` where there is no bucket; `SJ_SERVER_UNREACHABLE`, `SJ_TIMEOUT` after 15 and 10 s
 */
export async function followSettings({
  source,
  isZone,
  log,
  checkEveryMs = CHECK_EVERY_MS,
}: SettingsDeps): Promise<FollowedSettings> {
  let stopping = false;
  let known: ReadonlyMap<string, ProjectSettings> = new Map();
  let current: BucketWatch | undefined;
  let revision = 0;
  let said = { sentence: '', at: 0 };
  let wake = () => {};
  let isRenewalDue = false;

  /** Read through a function: the compiler takes no note of what happens while something is awaited. */
  const isStopping = () => stopping;

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

  /** Takes the whole state anew, and follows from there. */
  async function open(): Promise<void> {
    const watch = await source.watch();
    current?.stop();
    if (isStopping()) {
      watch.stop();
      return;
    }
    const found = new Map(
      watch.first.filter(isThere).map((entry) => [entry.key, settingsIn(entry)] as const),
    );
    if (current !== undefined && current.created !== watch.created) {
      const lost = [...known.keys()].filter((project) => !found.has(project));
      log.warn({ lost }, 'the bucket with the settings of projects is another one than before');
    }
    const before = known;
    known = found;
    if (current !== undefined) {
      for (const project of new Set([...before.keys(), ...found.keys()])) {
        if (before.get(project) !== found.get(project)) sayChanged(project);
      }
    }
    current = watch;
    revision = Math.max(watch.lastRevision, ...watch.first.map((entry) => entry.revision));
    follow(watch).catch((error: unknown) => {
      log.debug({ err: error }, 'watch of the settings of projects ended');
    });
  }

  async function follow(watch: BucketWatch): Promise<void> {
    for (;;) {
      const entry = await watch.next();
      if (entry === undefined || current !== watch) return;
      revision = Math.max(revision, entry.revision);
      const { key: project } = entry;
      const settings = isThere(entry) ? settingsIn(entry) : undefined;
      if (settings === known.get(project)) continue;
      const changed = new Map(known);
      if (settings === undefined) changed.delete(project);
      else changed.set(project, settings);
      known = changed;
      sayChanged(project);
    }
  }

  /** @throws what the client throws */
  async function look(): Promise<void> {
    const { created, lastRevision } = await source.state();
    const isSame = current?.created === created && revision === lastRevision;
    if (isSame && !isRenewalDue) return;
    await open();
    isRenewalDue = false;
  }

  function say(error: unknown): void {
    const sentence = sentenceFor(error);
    if (said.sentence === sentence && Date.now() - said.at < SAY_EVERY_MS) return;
    said = { sentence, at: Date.now() };
    log.warn({ err: toError(error) }, sentence);
  }

  async function pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function keepLooking(): Promise<void> {
    let failures = 0;
    while (!isStopping()) {
      const backoffMs = Math.min(AGAIN_MS.first * 2 ** (failures - 1), AGAIN_MS.max);
      await pause(failures === 0 ? checkEveryMs : backoffMs);
      if (isStopping()) return;
      try {
        await look();
        if (failures > 0) log.info('settings of projects can be read again');
        failures = 0;
        said = { sentence: '', at: 0 };
      } catch (error) {
        failures += 1;
        if (!isStopping()) say(error);
      }
    }
  }

  await onceJetStreamAnswers(open);
  log.debug({ projects: known.size }, 'settings of projects are known');
  const looking = keepLooking();
  return {
    settingsOf: (project) => known.get(project) ?? DEFAULT_SETTINGS,
    all: () => known,
    renew() {
      isRenewalDue = true;
      wake();
    },
    async stop() {
      stopping = true;
      current?.stop();
      wake();
      // A server that is away owes an answer for longer than anybody waits for a stop.
      await within(STOP_MS_MAX, looking);
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
