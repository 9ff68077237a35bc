/**
 * Who is forgotten, for a process that runs: the bucket FORGOTTEN, followed as the settings of projects are. What was known
 * once stays known until the process ends, whatever becomes of the bucket: nobody comes back because a server was away.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createForgotten, type Forgotten } from '../shared/forgotten.ts';
import { toError } from '../shared/errors.ts';
import { FORGOTTEN_BUCKET } from '../shared/ids.ts';
import { hashOf, listIn, personOf } from './forgotten-bucket.ts';
import { onceJetStreamAnswers } from './jetstream-away.ts';
import type { Logger } from './log.ts';
import type { Nats } from './nats.ts';
import { bucketState, type BucketWatch, watchBucket } from './project-bucket.ts';
import { within } from './within.ts';

export interface FollowedForgotten extends Pick<Forgotten, 'isForgotten'> {
  stop(): Promise<void>;
}

const CHECK_EVERY_MS = 5_000;
const STOP_MS_MAX = 500;

/**
 * Returns once all of the list is there.
 * @throws SojournError `SJ_MIGRATION` where there is no bucket; `SJ_SERVER_UNREACHABLE`, `SJ_TIMEOUT`
 */
export async function followForgotten(nats: Nats, log: Logger): Promise<FollowedForgotten> {
  const stopping = new AbortController();
  /** Read through a function: the compiler takes no note of what happens while something is awaited. */
  const isStopping = () => stopping.signal.aborted;
  let current: BucketWatch | undefined;
  let revision = 0;
  /** One list a secret: a bucket that was made anew has another. */
  const lists = new Map<string, Forgotten>();

  async function open(): Promise<void> {
    const watch = await watchBucket(nats, FORGOTTEN_BUCKET);
    current?.stop();
    const { key, people } = listIn(watch.first);
    const known = lists.get(key) ?? createForgotten([], hashOf(key));
    for (const person of people) known.add(person);
    lists.set(key, known);
    current = watch;
    revision = Math.max(watch.lastRevision, ...watch.first.map((entry) => entry.revision));
    follow(watch, known).catch((error: unknown) => {
      log.debug({ err: error }, 'watch of the list of the forgotten ended');
    });
  }

  async function follow(watch: BucketWatch, known: Forgotten): Promise<void> {
    for (;;) {
      const entry = await watch.next();
      if (entry === undefined || current !== watch) return;
      revision = Math.max(revision, entry.revision);
      const person = personOf(entry);
      if (person !== undefined) known.add(person);
    }
  }

  /** A watch does not tell that it missed something, or that its server is gone. */
  async function keepLooking(): Promise<void> {
    while (!isStopping()) {
      await sleep(CHECK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (isStopping()) return;
      try {
        const { created, lastRevision } = await bucketState(nats, FORGOTTEN_BUCKET);
        if (current?.created !== created || revision !== lastRevision) await open();
      } catch (error) {
        log.warn(
          { err: toError(error) },
          'list of the forgotten cannot be read, what is known counts',
        );
      }
    }
  }

  await onceJetStreamAnswers(open);
  const looking = keepLooking();
  return {
    isForgotten: (project, event) =>
      [...lists.values()].some((known) => known.isForgotten(project, event)),
    async stop() {
      stopping.abort();
      current?.stop();
      await within(STOP_MS_MAX, looking);
    },
  };
}
