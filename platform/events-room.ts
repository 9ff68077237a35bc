/**
 * Room in EVENTS, where it has a limit. It refuses what comes while it is full, and holds every event for a week, taken
 * or not: so what is acknowledged is let go sooner, the oldest first, as soon as room gets short. What is left then is
 * what nobody has taken, and that is never let go.
 */
import type { StreamInfo } from '@nats-io/jetstream';
import { byteSizeText } from '../shared/byte-size.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM } from '../shared/ids.ts';
import type { Logger } from './log.ts';
import type { Nats } from './nats.ts';

export interface EventsRoom {
  readonly bytes: number;
  readonly bytesMax: number;
}

/** Parts of the limit: room is made from there on, down to there; and from there on people are warned. */
const SHORT = 0.8;
const ENOUGH = 0.7;
const NEARLY_FULL = 0.9;

type Stream = Pick<StreamInfo, 'config' | 'state'>;

/** Undefined where EVENTS has no limit. */
export function roomOf({ config, state }: Stream): EventsRoom | undefined {
  return config.max_bytes > 0 ? { bytes: state.bytes, bytesMax: config.max_bytes } : undefined;
}

/** What to say to an operator; undefined where there is room. */
export function roomWarning(room: EventsRoom | undefined): string | undefined {
  if (room === undefined || room.bytes < room.bytesMax * NEARLY_FULL) return undefined;
  const percent = Math.floor((room.bytes / room.bytesMax) * 100);
  return `the stream ${EVENTS_STREAM} is full to ${percent} % of ${byteSizeText(room.bytesMax)} with events that nobody has taken yet: full, it refuses producers. See that \`ingest\` runs, and that Temporal answers`;
}

/**
 * The sequence before which messages go, so that there is room again; undefined where there is, or nothing may go.
 * @param floor up to there everything is acknowledged
 */
export function goesBefore(stream: Stream, floor: number): number | undefined {
  const room = roomOf(stream);
  if (room === undefined || room.bytes < room.bytesMax * SHORT) return undefined;
  const { first_seq: first, last_seq: last } = stream.state;
  // Messages are not all of one size: what is short of the aim goes the next time.
  const part = (room.bytes - room.bytesMax * ENOUGH) / room.bytes;
  const before = Math.min(first + Math.ceil((last - first + 1) * part), floor + 1);
  return before > first ? before : undefined;
}

const LOOK_EVERY_MS = 2_000;

/** Looks every two seconds, for as long as this process runs. */
export function keepRoom(
  { jsm }: Pick<Nats, 'jsm'>,
  log: Logger,
  everyMs = LOOK_EVERY_MS,
): { stop(): void } {
  async function look(): Promise<void> {
    const stream = await jsm.streams.info(EVENTS_STREAM);
    // Without a limit, or with room, nothing more is asked.
    if (goesBefore(stream, Infinity) === undefined) return;
    const { ack_floor: floor } = await jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER);
    const before = goesBefore(stream, floor.stream_seq);
    if (before === undefined) return;
    const { purged } = await jsm.streams.purge(EVENTS_STREAM, { seq: before });
    log.debug({ purged, before }, 'room was made in EVENTS: what is acknowledged has gone');
  }

  let isLooking = false;
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    look()
      .catch((error: unknown) => {
        log.debug({ err: error }, 'room in EVENTS is not known for now');
      })
      .finally(() => {
        isLooking = false;
      });
  }, everyMs);
  return {
    stop() {
      clearInterval(timer);
    },
  };
}
