/**
 * A bucket of NATS, followed. A change is there within milliseconds. Besides, the state of the bucket is looked at every few
 * seconds: a watch does not tell that it missed something, or that the bucket is another one by now.
 */
import type { KvEntry } from '@nats-io/kv';
import { toError } from '../shared/errors.ts';
import { onceJetStreamAnswers } from './jetstream-away.ts';
import type { Logger } from './log.ts';
import { linkChanges } from './nats-link.ts';
import type { Nats } from './nats.ts';
import { type BucketState, bucketState, type BucketWatch, watchBucket } from './project-bucket.ts';
import { within } from './within.ts';

/** Where the entries come from; tests have one without a server. */
export interface BucketSource {
  state(): Promise<BucketState>;
  watch(): Promise<BucketWatch>;
}

/** Whoever keeps what the bucket says. */
export interface BucketReader {
  /** What is followed, for the log: `settings of projects`. */
  readonly what: string;
  /**
   * Takes all that the bucket has: at first, and where something was missed or the bucket is another one.
   * @param before what was followed until now; undefined at first
   * @throws where it is no such bucket: then what was known counts
   */
  onAll(watch: BucketWatch, before: BucketWatch | undefined): void;
  /** Takes a change. */
  onEntry(entry: KvEntry): void;
  /** What is said in the log where it cannot be read. */
  sentenceFor(error: unknown): string;
}

export interface FollowOptions {
  readonly log: Logger;
  readonly checkEveryMs?: number | undefined;
}

export interface FollowedBucket {
  /** Takes all of it anew, now: a watch does not outlive the server that it was on. */
  renew(): void;
  stop(): Promise<void>;
}

const CHECK_EVERY_MS = 5_000;
const AGAIN_MS = { first: 500, max: 10_000 } as const;
const SAY_EVERY_MS = 30_000;
const STOP_MS_MAX = 500;

/** Follows a bucket of a server, and looks at it as soon as a lost connection is back. @throws as `followSource` does */
export async function followServerBucket(
  nats: Nats,
  bucket: string,
  reader: BucketReader,
  options: FollowOptions,
): Promise<FollowedBucket> {
  const source = {
    state: () => bucketState(nats, bucket),
    watch: () => watchBucket(nats, bucket),
  };
  const followed = await followSource(source, reader, options);
  const changes = linkChanges(nats.connection);
  const onReconnect = async () => {
    for await (const { type } of changes) if (type === 'reconnect') followed.renew();
  };
  onReconnect().catch((error: unknown) => {
    options.log.debug({ err: error }, `connection of the ${reader.what} is not looked at any more`);
  });
  return followed;
}

/**
 * Returns once all of it is there.
 * @throws SojournError `SJ_MIGRATION` where there is no bucket; `SJ_SERVER_UNREACHABLE`, `SJ_TIMEOUT` after 15 and 10 s
 */
export async function followSource(
  source: BucketSource,
  reader: BucketReader,
  { log, checkEveryMs = CHECK_EVERY_MS }: FollowOptions,
): Promise<FollowedBucket> {
  let stopping = false;
  let current: BucketWatch | undefined;
  let revision = 0;
  let said = { sentence: '', at: 0 };
  let wake = () => {};
  let isRenewalDue = false;

  /** Read through a function: the compiler takes no note of what happens while something is awaited. */
  const isStopping = () => stopping;

  /** Takes the whole state anew, and follows from there. */
  async function open(): Promise<void> {
    const watch = await source.watch();
    if (isStopping()) {
      watch.stop();
      return;
    }
    try {
      reader.onAll(watch, current);
    } catch (error) {
      watch.stop();
      throw error;
    }
    current?.stop();
    current = watch;
    revision = Math.max(watch.lastRevision, ...watch.first.map((entry) => entry.revision));
    follow(watch).catch((error: unknown) => {
      log.debug({ err: error }, `watch of the ${reader.what} ended`);
    });
  }

  async function follow(watch: BucketWatch): Promise<void> {
    for (;;) {
      const entry = await watch.next();
      if (entry === undefined || current !== watch) return;
      revision = Math.max(revision, entry.revision);
      reader.onEntry(entry);
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
    const sentence = reader.sentenceFor(error);
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
        if (failures > 0) log.info(`${reader.what} can be read again`);
        failures = 0;
        said = { sentence: '', at: 0 };
      } catch (error) {
        failures += 1;
        if (!isStopping()) say(error);
      }
    }
  }

  await onceJetStreamAnswers(open);
  const looking = keepLooking();
  return {
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
