/**
 * Room in EVENTS, where EVENTS_MAX_BYTES limits it. It refuses what comes while it is full, and holds every event for a
 * week, taken or not: so what is acknowledged is let go sooner, the oldest first, as soon as room gets short. What is not
 * acknowledged is never let go, and nothing that lies after it. Of a limit that was set by hand nothing is let go: who
 * set it did not ask for that, and mirrors of theirs may not have read what is acknowledged here.
 */
import type { StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { byteSizeText } from '../shared/byte-size.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM } from '../shared/ids.ts';
import { keepsRoom } from './event-streams.ts';
import type { Logger } from './log.ts';
import type { Nats } from './nats.ts';
import { steadyNow } from './steady-clock.ts';

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
  return `the stream ${EVENTS_STREAM} is full to ${percent} % of ${byteSizeText(room.bytesMax)}: full, it refuses producers. See that \`ingest\` runs, that Temporal answers, and that no dead letter is refused: one message that is not acknowledged keeps all that came after it`;
}

/**
 * The sequence before which messages go, so that there is room again; undefined where there is, or nothing may go.
 * @param floor up to there everything is acknowledged
 */
export function goesBefore(stream: Stream, floor: number): number | undefined {
  const room = keepsRoom(stream.config) ? roomOf(stream) : undefined;
  if (room === undefined || room.bytes < room.bytesMax * SHORT) return undefined;
  const { first_seq: first, last_seq: last } = stream.state;
  // Messages are not all of one size: what is short of the aim goes the next time.
  const part = (room.bytes - room.bytesMax * ENOUGH) / room.bytes;
  const before = Math.min(first + Math.ceil((last - first + 1) * part), floor + 1);
  return before > first ? before : undefined;
}

const LOOK_EVERY_MS = 2_000;
/** That room cannot be made is said so often. */
const WARN_EVERY_MS = 30_000;

export interface EventsRoomDeps {
  readonly nats: Pick<Nats, 'jsm'>;
  readonly log: Logger;
  /** The first message that this process holds, Infinity where it holds none. */
  readonly firstHeld: () => number;
  /** The first message that is needed though it is acknowledged. @param floor up to there everything is */
  readonly firstNeeded: (floor: number) => Promise<number>;
  readonly everyMs?: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
}

export interface KeptRoom {
  /** How EVENTS is set: where no room is to be kept, nothing is asked. */
  follow(config: Partial<StreamConfig>): void;
  stop(): void;
}

/** How far all was acknowledged at a look. */
interface SeenFloor {
  /** When the stream was made: its identity. */
  readonly stream: string;
  readonly seq: number;
}

/**
 * Looks every two seconds, where it is to keep room. What goes was acknowledged at the look before already, is so still,
 * and lies before all that this process holds: a floor that a server says once, and wrongly, deletes nothing.
 */
export function keepRoom({
  nats: { jsm },
  log,
  firstHeld,
  firstNeeded,
  everyMs = LOOK_EVERY_MS,
  now = steadyNow,
}: EventsRoomDeps): KeptRoom {
  let isToKeep = false;
  let seen: SeenFloor | undefined;
  let warnedAt = -Infinity;
  let isLooking = false;

  async function look(): Promise<void> {
    const stream = await jsm.streams.info(EVENTS_STREAM);
    const last = seen;
    seen = undefined;
    // With room, nothing more is asked.
    if (goesBefore(stream, Infinity) === undefined) return;
    const { ack_floor: floor } = await jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER);
    seen = { stream: stream.created, seq: floor.stream_seq };
    if (last?.stream !== seen.stream) return;
    const done = Math.min(last.seq, seen.seq, firstHeld() - 1);
    if (goesBefore(stream, done) === undefined) return;
    const needed = await firstNeeded(done).catch((error: unknown) => {
      sayNoRoom(
        error,
        'what is to be counted for quotas is not known; may ingest make consumers of EVENTS, and read INGEST?',
      );
      return 0;
    });
    const before = goesBefore(stream, Math.min(done, needed - 1));
    if (before !== undefined) await makeRoom(before);
  }

  function sayNoRoom(err: unknown, why: string): void {
    if (now() - warnedAt < WARN_EVERY_MS) return;
    warnedAt = now();
    log.warn({ err }, `no room can be made in EVENTS: ${why}`);
  }

  async function makeRoom(before: number): Promise<void> {
    try {
      const { purged } = await jsm.streams.purge(EVENTS_STREAM, { seq: before });
      log.debug({ purged, before }, 'room was made in EVENTS: what is acknowledged has gone');
    } catch (error) {
      sayNoRoom(
        error,
        'NATS does not purge what is acknowledged; may ingest publish to $JS.API.STREAM.PURGE.EVENTS?',
      );
    }
  }

  const timer = setInterval(() => {
    if (!isToKeep || isLooking) return;
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
    follow(config) {
      isToKeep = keepsRoom(config);
    },
    stop() {
      clearInterval(timer);
    },
  };
}
