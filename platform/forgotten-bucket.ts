/**
 * The bucket FORGOTTEN: a key a person, `<project>.<kind>.<hash>`, and beside them the secret that the hashes are made
 * with. Without that a guessed id cannot be compared with the list; whoever may read the bucket can, and may read EVENTS
 * as well. Where the secret was lost the list would be worth nothing, so both lie together, and are backed up together.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { KvEntry } from '@nats-io/kv';
import {
  createForgotten,
  type Forgotten,
  type ForgottenList,
  type ForgottenPerson,
  type HashOf,
  keyOfPerson,
  personOfKey,
} from '../shared/forgotten.ts';
import { SojournError } from '../shared/errors.ts';
import { FORGOTTEN_BUCKET } from '../shared/ids.ts';
import type { Nats } from './nats.ts';
import { isThere, openBucket, watchBucket } from './project-bucket.ts';

type BucketNats = Pick<Nats, 'js'>;

/** No project is called so: it has no point in it. */
const HASH_KEY = 'hash-key';
const KEY_BYTES = 32;
/** 132 bits: no two ids have the same. */
const HASH_CHARS = 22;

/** Hashes of ids. @param key as the bucket has it */
export function hashOf(key: string): HashOf {
  return (kind, project, id) =>
    createHmac('sha256', key)
      .update(`${kind}\n${project}\n${id}`)
      .digest('base64url')
      .slice(0, HASH_CHARS);
}

/** Makes the secret where there is none; of several that do the first one's stays. @throws what the client throws */
export async function ensureHashKey(nats: BucketNats): Promise<void> {
  const bucket = await openBucket(nats, FORGOTTEN_BUCKET);
  if ((await bucket.get(HASH_KEY)) !== null) return;
  await bucket
    .create(HASH_KEY, randomBytes(KEY_BYTES).toString('base64url'))
    .catch(async (error: unknown) => {
      if ((await bucket.get(HASH_KEY)) === null) throw error;
    });
}

/** What is noted of a person beside its hash. */
export interface ForgettingNote {
  readonly until: number;
  /** Of the command that forgets it: what it has made up already goes by this. */
  readonly run: string;
  readonly state: 'begun' | 'done';
}

/** @returns undefined where it is not there, or no such note */
export async function readNote(
  nats: BucketNats,
  person: Omit<ForgottenPerson, 'until'>,
): Promise<ForgettingNote | undefined> {
  const bucket = await openBucket(nats, FORGOTTEN_BUCKET);
  const entry = await bucket.get(keyOfPerson(person));
  return entry === null || !isThere(entry) ? undefined : noteOf(entry);
}

/** @throws what the client throws; where it had no answer, the note may be there all the same */
export async function writeNote(
  nats: BucketNats,
  person: Omit<ForgottenPerson, 'until'>,
  note: ForgettingNote,
): Promise<void> {
  const bucket = await openBucket(nats, FORGOTTEN_BUCKET);
  await bucket.put(keyOfPerson(person), JSON.stringify(note));
}

function noteOf(entry: KvEntry): ForgettingNote | undefined {
  try {
    const note = entry.json<Partial<ForgettingNote> | null>();
    const { until, run = '', state = 'done' } = note ?? {};
    return typeof until === 'number' ? { until, run, state } : undefined;
  } catch {
    return undefined;
  }
}

/** @returns undefined where the entry is no person, or the note of a removed one */
export function personOf(entry: KvEntry): ForgottenPerson | undefined {
  if (!isThere(entry)) return undefined;
  const person = personOfKey(entry.key);
  const note = noteOf(entry);
  return person && note && { ...person, until: note.until };
}

/** The list in what a watch has brought. @throws SojournError `SJ_MIGRATION` where the secret is not there */
export function listIn(entries: readonly KvEntry[]): ForgottenList {
  const key = entries.find((entry) => entry.key === HASH_KEY)?.string() ?? '';
  if (key === '') {
    throw new SojournError(
      'SJ_MIGRATION',
      `the bucket ${FORGOTTEN_BUCKET} has no secret for its hashes; \`npx sojourn migrate\` makes one`,
    );
  }
  return { key, people: entries.flatMap((entry) => personOf(entry) ?? []) };
}

/** The list ready to be asked; without one nobody is forgotten. */
export function forgottenIn(list: ForgottenList | undefined): Forgotten {
  return createForgotten(list?.people ?? [], hashOf(list?.key ?? ''));
}

/** All of the list as it is. @throws SojournError `SJ_MIGRATION` where there is no bucket; what the client throws */
export async function readForgotten(nats: BucketNats): Promise<ForgottenList> {
  const watch = await watchBucket(nats, FORGOTTEN_BUCKET);
  watch.stop();
  return listIn(watch.first);
}
