/**
 * The bucket PROJECTS, where the truth about projects lies: reading it as it is, following it, and changing one
 * project so that nobody else's change is lost.
 */
import { type KV, type KvEntry, Kvm } from '@nats-io/kv';
import { SojournError } from '../shared/errors.ts';
import { PROJECTS_BUCKET } from '../shared/ids.ts';
import { isApiError, type Nats } from './nats.ts';
import { within } from './within.ts';

/** "stream not found", and what a write is refused with where another was quicker. */
const STREAM_NOT_FOUND = 10059;
const WRONG_LAST_SEQUENCE = [10071, 10164] as const;
const WRITE_MS_MAX = 5_000;
/** All there is comes within this, or the question is asked anew. */
const FIRST_MS_MAX = 10_000;

type BucketNats = Pick<Nats, 'js'>;

/** Whether the bucket is not there. */
export function isBucketMissing(error: unknown): boolean {
  return (
    isApiError(error, STREAM_NOT_FOUND) ||
    (error instanceof Error && error.cause !== undefined && isBucketMissing(error.cause))
  );
}

function explainMissing(error: unknown, name: string = PROJECTS_BUCKET): never {
  if (!isBucketMissing(error)) throw error;
  throw new SojournError(
    'SJ_MIGRATION',
    `NATS has no bucket ${name}${name === PROJECTS_BUCKET ? ' for the settings of projects' : ''}; \`npx sojourn migrate\` creates it`,
    { cause: error },
  );
}

/** Without a question: what is missing shows with the first one. */
export function openBucket({ js }: BucketNats, name: string = PROJECTS_BUCKET): Promise<KV> {
  return new Kvm(js).open(name);
}

/** Which bucket it is, and how far it has got. */
export interface BucketState {
  /** When it was made: its identity. */
  readonly created: string;
  readonly lastRevision: number;
  readonly isEmpty: boolean;
}

/** @throws SojournError `SJ_MIGRATION` where there is none; what the client throws */
export async function bucketState(nats: BucketNats, name?: string): Promise<BucketState> {
  const bucket = await openBucket(nats, name);
  const { streamInfo } = await bucket
    .status()
    .catch((error: unknown) => explainMissing(error, name));
  const { created, state } = streamInfo;
  return { created, lastRevision: state.last_seq, isEmpty: state.messages === 0 };
}

/** The latest entry of each key, those of removed ones too, and whatever comes after. */
export interface BucketWatch extends BucketState {
  readonly first: readonly KvEntry[];
  /** The next change; undefined once it is stopped. */
  next(): Promise<KvEntry | undefined>;
  stop(): void;
}

/** @throws SojournError `SJ_MIGRATION` where there is no bucket; what the client throws */
export async function watchBucket(nats: BucketNats, name?: string): Promise<BucketWatch> {
  const state = await bucketState(nats, name);
  const bucket = await openBucket(nats, name);
  const entries = await bucket.watch().catch((error: unknown) => explainMissing(error, name));
  const iterator = entries[Symbol.asyncIterator]();
  const stop = () => {
    entries.stop();
  };
  const first: KvEntry[] = [];
  const collect = async () => {
    // Nothing says so where there is nothing.
    for (let isLast = state.isEmpty; !isLast;) {
      const found = await iterator.next();
      if (found.done === true) throw new Error('the watch of the bucket ended');
      first.push(found.value);
      isLast = found.value.isUpdate;
    }
  };
  try {
    if (!(await within(FIRST_MS_MAX, collect()))) {
      throw new SojournError(
        'SJ_TIMEOUT',
        `the bucket ${name ?? PROJECTS_BUCKET} did not come from NATS within ${FIRST_MS_MAX / 1_000} s`,
      );
    }
  } catch (error) {
    stop();
    throw error;
  }
  return {
    ...state,
    first,
    async next() {
      const found = await iterator.next();
      return found.done === true ? undefined : found.value;
    },
    stop,
  };
}

/** All projects with settings. @throws SojournError `SJ_MIGRATION` where there is no bucket; what the client throws */
export async function readBucket(nats: BucketNats): Promise<readonly KvEntry[]> {
  const watch = await watchBucket(nats);
  watch.stop();
  return watch.first.filter(isThere);
}

/** Whether an entry is one, and not the note that a key was removed. */
export function isThere({ operation }: KvEntry): boolean {
  return operation === 'PUT';
}

/** As the leader of the bucket has it. @throws SojournError `SJ_MIGRATION` where there is no bucket; what the client throws */
export async function readEntry(nats: BucketNats, project: string): Promise<KvEntry | undefined> {
  const bucket = await openBucket(nats);
  const entry = await bucket.get(project).catch((error: unknown) => explainMissing(error));
  return entry ?? undefined;
}

/**
 * Writes one project, unless somebody else has written it since.
 * @param before what was read, a note of removal too; undefined: nothing was there
 * @returns false where somebody was quicker
 * @throws what the client throws; where it had no answer, the write may be there all the same
 */
export async function replaceEntry(
  nats: BucketNats,
  project: string,
  text: string,
  before: KvEntry | undefined,
): Promise<boolean> {
  const bucket = await openBucket(nats);
  try {
    await bucket.put(project, text, {
      previousSeq: before?.revision ?? 0,
      timeout: WRITE_MS_MAX,
    });
    return true;
  } catch (error) {
    if (WRONG_LAST_SEQUENCE.some((code) => isApiError(error, code))) return false;
    throw error;
  }
}
