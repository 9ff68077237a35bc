/**
 * What EVENTS and DEADLETTERS need at the border, beside their shapes: that whatever EVENTS takes fits a dead letter,
 * that EVENTS takes every message whatever its `Nats-Msg-Id`, and from when on places identify.
 */
import type { StreamConfig } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { DEADLETTERS_STREAM, EVENTS_STREAM } from '../shared/ids.ts';
import {
  LETTER_HEADERS_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  MESSAGE_HEADERS_BYTES_MAX,
} from '../shared/limits.ts';

export interface NatsServerFacts {
  readonly version: string;
  /** The largest message it takes, headers included. */
  readonly payloadMax: number;
}

/** Epoch milliseconds, in the metadata of EVENTS. */
const PLACES_SINCE = 'sojourn-places-since';
/** So long after `migrate` may processes of the version before still run. */
const UPGRADE_MS = 3_600_000;

/** The limit that EVENTS_MAX_BYTES has set, in the metadata of EVENTS: of one set by hand nobody makes room. */
const KEEPS_ROOM = 'sojourn-keeps-room';

export interface BorderOptions {
  readonly now?: number;
  /** Of EVENTS, where EVENTS_MAX_BYTES says it; -1 is no limit. */
  readonly bytesMax?: number | undefined;
}

/** @param found the stream's settings, where there is one already */
export function borderSettings(
  name: string,
  found: Partial<StreamConfig> | undefined,
  server: NatsServerFacts,
  { now = Date.now(), bytesMax }: BorderOptions = {},
): Partial<StreamConfig> {
  if (name === EVENTS_STREAM) {
    return {
      max_msg_size: smaller(found?.max_msg_size, messageBytesMax(server)),
      ...noWindow(server),
      metadata: {
        ...found?.metadata,
        [PLACES_SINCE]:
          found?.metadata?.[PLACES_SINCE] ?? String(found === undefined ? 0 : now + UPGRADE_MS),
        ...(bytesMax !== undefined && { [KEEPS_ROOM]: String(bytesMax) }),
      },
    };
  }
  if (name !== DEADLETTERS_STREAM) return {};
  const least = messageBytesMax(server) + LETTER_HEADERS_BYTES_MAX;
  const chosen = found?.max_msg_size ?? -1;
  return chosen > 0 && chosen < least ? { max_msg_size: least } : {};
}

/**
 * From when on a message without any id is known by its place: its sequence and when EVENTS took it. Before, and where
 * `migrate` has not run yet, it is known by its bare sequence, as earlier versions know it: what one of them has taken
 * in and JetStream offers again must not count twice.
 */
export function placesSinceOf({ metadata }: Partial<StreamConfig>): number {
  const since = metadata?.[PLACES_SINCE];
  return since !== undefined && /^\d{1,15}$/.test(since) ? Number(since) : Infinity;
}

/** Whether what is acknowledged may go early: the limit is the one that EVENTS_MAX_BYTES has set, and nobody has changed it since. */
export function keepsRoom({ metadata, max_bytes = -1 }: Partial<StreamConfig>): boolean {
  return max_bytes > 0 && metadata?.[KEEPS_ROOM] === String(max_bytes);
}

/** The largest message that EVENTS may take, so that it fits into a dead letter on this server. */
function messageBytesMax({ payloadMax }: NatsServerFacts): number {
  return Math.min(
    MESSAGE_BYTES_MAX + MESSAGE_HEADERS_BYTES_MAX,
    payloadMax - LETTER_HEADERS_BYTES_MAX,
  );
}

function smaller(chosen: number | undefined, most: number): number {
  return chosen !== undefined && chosen > 0 ? Math.min(chosen, most) : most;
}

/** The least window that JetStream takes. */
const LEAST_WINDOW_MS = 100;
/** The first version that keeps no ids where the window of a stream with a source is 0, and looks nothing up for it. */
const NO_WINDOW_SINCE = [2, 15] as const;

/**
 * JetStream lets a message go whose `Nats-Msg-Id` the stream has seen within the window, whoever sent it; but ids are
 * a session's own, and what a session has twice it counts once by itself. A window of 0 means 2 minutes, unless the
 * stream has a source; so it gets one that nothing ever comes from.
 */
function noWindow({ version }: NatsServerFacts): Partial<StreamConfig> {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew =
    major > NO_WINDOW_SINCE[0] || (major === NO_WINDOW_SINCE[0] && minor >= NO_WINDOW_SINCE[1]);
  if (!isNew) return { duplicate_window: nanos(LEAST_WINDOW_MS) };
  return {
    duplicate_window: 0,
    sources: [{ name: DEADLETTERS_STREAM, filter_subject: NOTHING_SUBJECT }],
  };
}

/** No project has this name, so that no dead letter has this subject. */
const NOTHING_SUBJECT = 'deadletters.=';
