/**
 * A taken event as it lies in a spill file until its session is put together: whose it is and when it was, so that it can
 * be sorted without being read, and the event itself as JSON.
 *
 * ```text
 * u32 bytes in all | u8 flags | u16 key bytes | u32 event bytes | f64 time | key | event | raw
 * ```
 */
import type { VisitorEvent } from '../shared/event.ts';

/** Bits of a frame's flags. */
export const FLAG = {
  /** The key is that of a visitor, whose events are yet to be cut into sessions. */
  visitor: 1,
  /** Nobody gave the event an id: it has one made of its record, and equal records are told apart by their number. */
  madeId: 2,
  /** It keeps a visit of the visitor up, and begins none. */
  heartbeat: 4,
} as const;

export const FRAME_HEAD_BYTES = 19;

/** An event as the border took it, on its way to its session. */
export interface TakenEvent {
  /** The session, or the visitor. */
  readonly key: string;
  readonly flags: number;
  readonly event: VisitorEvent;
  /** As it would be published; kept where the session may still be live. */
  readonly raw?: Uint8Array;
}

/** What is read of a frame to sort it. Offsets are into the buffer that it lies in. */
export interface Frame {
  readonly flags: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly jsonFrom: number;
  readonly jsonTo: number;
  readonly rawTo: number;
}

/** Bytes that a frame takes, at the most. */
export function frameBytesMax({ key }: TakenEvent, json: string, raw?: Uint8Array): number {
  return FRAME_HEAD_BYTES + 3 * (key.length + json.length) + (raw?.length ?? 0);
}

/** Writes a frame into a buffer with room for it. @returns where it ends */
export function writeFrame(
  buffer: Buffer,
  from: number,
  { key, flags, event, raw }: TakenEvent,
  json: string,
): number {
  const keyBytes = buffer.write(key, from + FRAME_HEAD_BYTES, 'utf8');
  const jsonFrom = from + FRAME_HEAD_BYTES + keyBytes;
  const jsonBytes = buffer.write(json, jsonFrom, 'utf8');
  let end = jsonFrom + jsonBytes;
  if (raw !== undefined) {
    buffer.set(raw, end);
    end += raw.length;
  }
  buffer.writeUInt32LE(end - from, from);
  buffer[from + 4] = flags;
  buffer.writeUInt16LE(keyBytes, from + 5);
  buffer.writeUInt32LE(jsonBytes, from + 7);
  buffer.writeDoubleLE(event.at, from + 11);
  return end;
}

/** All frames of a buffer, with their keys. */
export function* readFrames(buffer: Buffer): Generator<readonly [key: string, frame: Frame]> {
  for (let from = 0; from < buffer.length; from += buffer.readUInt32LE(from)) {
    const keyTo = from + FRAME_HEAD_BYTES + buffer.readUInt16LE(from + 5);
    yield [
      buffer.toString('utf8', from + FRAME_HEAD_BYTES, keyTo),
      {
        flags: buffer[from + 4] ?? 0,
        at: buffer.readDoubleLE(from + 11),
        jsonFrom: keyTo,
        jsonTo: keyTo + buffer.readUInt32LE(from + 7),
        rawTo: from + buffer.readUInt32LE(from),
      },
    ];
  }
}
