/**
 * How far the events have been delivered, kept where it survives the consumer: the sequence of EVENTS up to which
 * everything is acknowledged, and which EVENTS that is (a stream made anew begins to count anew).
 */
import { INGEST_FLOOR_SUBJECT } from '../shared/ids.ts';
import { keepNewer, newestKept } from './keep-newer.ts';
import type { Nats } from './nats.ts';

export interface KeptFloor {
  /** When the stream was made, as JetStream says it: its identity. */
  readonly stream: string;
  readonly seq: number;
}

/** @throws SojournError `SJ_MIGRATION` where the stream for it is missing; what the client throws */
export async function loadFloor(nats: Pick<Nats, 'jsm'>): Promise<KeptFloor | undefined> {
  const message = await newestKept(nats, INGEST_FLOOR_SUBJECT);
  return message === null ? undefined : parseFloor(message.string());
}

/**
 * Keeps a floor; never lowers one of the same stream.
 * @returns the floor that is kept now
 * @throws SojournError `SJ_MIGRATION` where the stream for it is missing; what the client throws
 */
export function keepFloor(nats: Pick<Nats, 'js' | 'jsm'>, floor: KeptFloor): Promise<KeptFloor> {
  const isNew = (kept: KeptFloor) => kept.stream !== floor.stream || kept.seq < floor.seq;
  return keepNewer(nats, INGEST_FLOOR_SUBJECT, floor, parseFloor, isNew);
}

function parseFloor(text: string): KeptFloor | undefined {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return undefined;
  const { stream, seq } = value as Record<string, unknown>;
  return typeof stream === 'string' && typeof seq === 'number' ? { stream, seq } : undefined;
}
