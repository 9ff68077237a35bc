/**
 * The sessions of a chunk folded, and once their users are known added up. In two steps, for users are claimed in the order
 * of chunks while several chunks are folded side by side. Pure, and everything that goes in and out can go between threads.
 */
import type { Visit } from '../shared/actor.ts';
import type { RowBytes } from '../platform/row-bytes.ts';
import { type ChunkPlace, noteRows, sessionRows } from './chunk-rows.ts';
import { createRowSumsOf } from './row-sums.ts';
import { decodeHead, decodeWithJson } from './run-file.ts';
import { addWhole, foldWhole, type WholeFold, type WholeOptions } from './whole-rows.ts';

/** Sessions as a run has them, one behind the other. */
export interface PackedSessions {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Where each begins. */
  readonly begins: Uint32Array<ArrayBuffer>;
  readonly place: ChunkPlace;
  /** First runs of the sessions that each replaces, in the order of the sessions; absent where it replaces none. */
  readonly replaced: ReadonlyMap<number, readonly string[]>;
}

export function packSessions(
  sessions: readonly { readonly bytes: Buffer }[],
  { place, replaced }: Pick<PackedSessions, 'place' | 'replaced'>,
): PackedSessions {
  let size = 0;
  for (const { bytes } of sessions) size += bytes.length;
  const data = new Uint8Array(size);
  const begins = new Uint32Array(sessions.length);
  let at = 0;
  sessions.forEach(({ bytes }, n) => {
    begins[n] = at;
    data.set(bytes, at);
    at += bytes.length;
  });
  return { data, begins, place, replaced };
}

/** What a chunk adds up to. */
export interface FoldedChunk {
  /** Rows: keys as `rowKeyText` makes them, values in units of 10^-9, and counts. */
  readonly keys: readonly string[];
  readonly values: readonly bigint[];
  readonly counts: readonly number[];
  /** Its rows of `sessions_inbox`, in the order of the sessions. */
  readonly sessions: RowBytes;
  /** Its rows of `import_sessions_inbox`, in the same order. */
  readonly notes: RowBytes;
}

export interface Folding {
  /** Whom to ask about, in the order of the sessions. */
  readonly visits: readonly Visit[];
  /** @param isNew of each visit */
  settle(isNew: readonly boolean[]): FoldedChunk;
}

/** What a row of a session takes, and one of its note beside its events, about. */
const SESSION_BYTES = 400;
const NOTE_BYTES = 200;

export function foldChunk(
  { data, begins, place, replaced }: PackedSessions,
  options: WholeOptions,
): Folding {
  const whole = Buffer.from(data.buffer, data.byteOffset, data.length);
  const folds: (readonly [fold: WholeFold, events: Uint8Array])[] = [];
  const sums = createRowSumsOf();
  for (const begin of begins) {
    const session = decodeHead(whole.subarray(begin, begin + whole.readUInt32LE(begin)));
    const { events, json } = decodeWithJson(session);
    folds.push([foldWhole(sums, session.sessionId, events, options), json]);
  }
  return {
    visits: folds.flatMap(([{ visit }]) => visit ?? []),
    settle(isNew) {
      let asked = 0;
      const sessions = sessionRows(place.fence, SESSION_BYTES * folds.length);
      const notes = noteRows(place, data.length + NOTE_BYTES * folds.length);
      folds.forEach(([fold, events], n) => {
        const { sessionId, visit } = fold;
        const user = visit && { userId: visit.userId, isNew: isNew[asked++] === true };
        const record = addWhole(sums, fold, user, options);
        const insteadOf = replaced.get(n);
        const fate = insteadOf === undefined ? 'load' : 'replace';
        const { newUser } = record.session;
        sessions.add(record);
        notes.add({
          decision: { sessionId, fate, insteadOf: insteadOf ?? [] },
          ...{ identity: record.identity, events },
          ...(newUser !== undefined && { newUser }),
        });
      });
      const keys: string[] = [];
      const values: bigint[] = [];
      const counts: number[] = [];
      for (const [key, { value, count }] of sums.sums()) {
        keys.push(key);
        values.push(value);
        counts.push(count);
      }
      return { keys, values, counts, sessions: sessions.end(), notes: notes.end() };
    },
  };
}
