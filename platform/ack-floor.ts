/**
 * How far the events have been delivered, kept where it survives the consumer: the sequence of EVENTS up to which
 * everything is acknowledged, and which EVENTS that is (a stream made anew begins to count anew).
 */
import { JetStreamApiError, type StoredMsg } from '@nats-io/jetstream';
import { SojournError } from '../shared/errors.ts';
import { INGEST_FLOOR_SUBJECT, INGEST_STREAM } from '../shared/ids.ts';
import type { Nats } from './nats.ts';

export interface KeptFloor {
  /** When the stream was made, as JetStream says it: its identity. */
  readonly stream: string;
  readonly seq: number;
}

/** "stream not found", "no message found", and what a write is refused with where another was quicker. */
const STREAM_NOT_FOUND = 10059;
const WRONG_LAST_SEQUENCE = 10071;

/** @throws SojournError `SJ_MIGRATION` where the stream for it is missing; what the client throws */
export async function loadFloor({ jsm }: Pick<Nats, 'jsm'>): Promise<KeptFloor | undefined> {
  const message = await newest(jsm);
  return message === null ? undefined : parseFloor(message.string());
}

/**
 * Keeps a floor; never lowers one of the same stream.
 * @returns the floor that is kept now
 * @throws SojournError `SJ_MIGRATION` where the stream for it is missing; what the client throws
 */
export async function keepFloor(
  { js, jsm }: Pick<Nats, 'js' | 'jsm'>,
  floor: KeptFloor,
): Promise<KeptFloor> {
  for (let tried = 1; ; tried += 1) {
    const message = await newest(jsm);
    const kept = message === null ? undefined : parseFloor(message.string());
    if (kept !== undefined && kept.stream === floor.stream && kept.seq >= floor.seq) return kept;
    try {
      await js.publish(INGEST_FLOOR_SUBJECT, JSON.stringify(floor), {
        expect: { lastSubjectSequence: message?.seq ?? 0 },
        timeout: 5_000,
      });
      return floor;
    } catch (error) {
      // Another ingest was quicker; what it kept counts as well.
      const isRace = error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE;
      if (!isRace || tried >= TRIES_MAX) throw error;
    }
  }
}

const TRIES_MAX = 5;

async function newest(jsm: Nats['jsm']): Promise<StoredMsg | null> {
  try {
    return await jsm.streams.getMessage(INGEST_STREAM, { last_by_subj: INGEST_FLOOR_SUBJECT });
  } catch (error) {
    if (!(error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND)) throw error;
    throw new SojournError(
      'SJ_MIGRATION',
      `NATS has no stream ${INGEST_STREAM}; \`npx sojourn migrate\` creates it`,
      { cause: error },
    );
  }
}

function parseFloor(text: string): KeptFloor | undefined {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return undefined;
  const { stream, seq } = value as Record<string, unknown>;
  return typeof stream === 'string' && typeof seq === 'number' ? { stream, seq } : undefined;
}
