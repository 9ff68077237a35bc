/**
 * What ingests keep of how far they are, as the newest message of a subject of INGEST: several write it, and one that
 * is behind takes nothing back.
 */
import { JetStreamApiError, type StoredMsg } from '@nats-io/jetstream';
import { SojournError } from '../shared/errors.ts';
import { INGEST_STREAM } from '../shared/ids.ts';
import type { Nats } from './nats.ts';

/** "stream not found", and what a write is refused with where another was quicker. */
const STREAM_NOT_FOUND = 10059;
const WRONG_LAST_SEQUENCE = 10071;
const TRIES_MAX = 5;

/** @throws SojournError `SJ_MIGRATION` where the stream for it is missing; what the client throws */
export async function newestKept(
  { jsm }: Pick<Nats, 'jsm'>,
  subject: string,
): Promise<StoredMsg | null> {
  try {
    return await jsm.streams.getMessage(INGEST_STREAM, { last_by_subj: subject });
  } catch (error) {
    if (!(error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND)) throw error;
    throw new SojournError(
      'SJ_MIGRATION',
      `NATS has no stream ${INGEST_STREAM}; \`npx sojourn migrate\` creates it`,
      { cause: error },
    );
  }
}

/**
 * Keeps a value, unless what is kept is as new.
 * @param isNew whether the value is newer than what is kept
 * @returns what is kept now
 * @throws as {@link newestKept} does
 */
export async function keepNewer<Kept extends object>(
  nats: Pick<Nats, 'js' | 'jsm'>,
  subject: string,
  value: Kept,
  parse: (text: string) => Kept | undefined,
  isNew: (kept: Kept) => boolean | Promise<boolean>,
): Promise<Kept> {
  for (let tried = 1; ; tried += 1) {
    const message = await newestKept(nats, subject);
    const kept = message === null ? undefined : parse(message.string());
    if (kept !== undefined && !(await isNew(kept))) return kept;
    try {
      await nats.js.publish(subject, JSON.stringify(value), {
        expect: { lastSubjectSequence: message?.seq ?? 0 },
        timeout: 5_000,
      });
      return value;
    } catch (error) {
      // Another ingest was quicker; what it kept counts as well.
      const isRace = error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE;
      if (!isRace || tried >= TRIES_MAX) throw error;
    }
  }
}
