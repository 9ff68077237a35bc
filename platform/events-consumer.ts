/**
 * The durable consumer of EVENTS. Where it has to be made anew it goes on where the last one was: to begin again
 * would count events twice whose sessions are forgotten by now, to begin at the end would lose some.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  JetStreamApiError,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { SojournError } from '../shared/errors.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM } from '../shared/ids.ts';
import { HELD_MESSAGES_MAX } from '../shared/limits.ts';
import { keepFloor, type KeptFloor, loadFloor } from './ack-floor.ts';
import type { EventsFrom } from './events-from.ts';
import type { Nats } from './nats.ts';

/** For so long JetStream lets a message be held without a word of it; then it offers it again, to whoever is there. */
export const ACK_WAIT_MS = 20_000;

const SHAPE = {
  ack_wait: nanos(ACK_WAIT_MS),
  max_ack_pending: HELD_MESSAGES_MAX,
  max_deliver: -1,
  // As many copies as its stream has.
  num_replicas: 0,
} as const;

const CONSUMER_NOT_FOUND = 10014;

export interface EnsuredConsumer {
  readonly created: boolean;
  /** Identity of the stream that it reads. */
  readonly stream: string;
  /** First sequence that it gives, where it was made now and that is known. */
  readonly from?: number;
  /** Where an operator asked for earlier events than there are: from when on there are some. */
  readonly beginsAt?: string;
}

/**
 * Makes the consumer, or brings it up to date.
 * @param from where to begin, for a consumer that is to be made
 * @throws SojournError `SJ_MIGRATION` where it has to be made and nobody knows how far the last one was
 */
export async function ensureEventsConsumer(
  nats: Pick<Nats, 'js' | 'jsm'>,
  from?: EventsFrom,
): Promise<EnsuredConsumer> {
  const { jsm } = nats;
  const stream = await jsm.streams.info(EVENTS_STREAM);
  const existing = await consumerInfo(nats);
  if (existing !== undefined) {
    await bringUpToDate(nats, existing);
    await keepFloor(nats, { stream: stream.created, seq: existing.ack_floor.stream_seq });
    return { created: false, stream: stream.created };
  }
  const start = startOf(stream, await loadFloor(nats), from);
  try {
    await jsm.consumers.add(EVENTS_STREAM, {
      durable_name: EVENTS_CONSUMER,
      ack_policy: AckPolicy.Explicit,
      ...SHAPE,
      ...start,
    });
  } catch (error) {
    // Somebody else has made it meanwhile, by the same rules: NATS has its trouble with two at once.
    const made = error instanceof JetStreamApiError ? await consumerInfo(nats) : undefined;
    if (made === undefined) throw error;
    await bringUpToDate(nats, made);
    return { created: false, stream: stream.created };
  }
  const beginsAt = laterBeginning(stream, from);
  return {
    created: true,
    stream: stream.created,
    ...(start.opt_start_seq !== undefined && { from: start.opt_start_seq }),
    ...(beginsAt !== undefined && { beginsAt }),
  };
}

/**
 * Only where there is something to change. A consumer that was deleted and made anew in the same moment may be left without
 * its files by NATS 2.15: it works, until NATS starts anew and it is missing, but every change of it fails.
 */
async function bringUpToDate(
  { jsm }: Pick<Nats, 'jsm'>,
  { config }: { readonly config: ConsumerConfig },
): Promise<void> {
  const names = Object.keys(SHAPE) as (keyof typeof SHAPE)[];
  if (names.every((name) => config[name] === SHAPE[name])) return;
  await jsm.consumers.update(EVENTS_STREAM, EVENTS_CONSUMER, SHAPE);
}

async function consumerInfo({ jsm }: Pick<Nats, 'jsm'>) {
  try {
    return await jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND) return undefined;
    throw error;
  }
}

/**
 * Where a consumer made now begins.
 * @throws SojournError `SJ_MIGRATION` where nobody knows
 */
export function startOf(
  {
    created,
    state,
  }: Pick<StreamInfo, 'created'> & {
    readonly state: Pick<StreamInfo['state'], 'messages'>;
  },
  kept: KeptFloor | undefined,
  from?: EventsFrom,
): Partial<ConsumerConfig> {
  if (from === 'all') return { deliver_policy: DeliverPolicy.All };
  if (from === 'new') return { deliver_policy: DeliverPolicy.New };
  if (from !== undefined) return 'seq' in from ? after(from.seq - 1) : since(from.time);
  if (kept?.stream === created) return after(kept.seq);
  // Made anew since: nothing of it has been delivered. And nothing can be counted twice of what is empty.
  if (kept !== undefined || state.messages === 0) return { deliver_policy: DeliverPolicy.All };
  throw new SojournError(
    'SJ_MIGRATION',
    `the consumer ${EVENTS_CONSUMER} of ${EVENTS_STREAM} is missing, and nobody knows how far it was; say where to go on: \`npx sojourn migrate --events-from <sequence|time|new|all>\` (all counts again what sessions older than LATE_WINDOW have counted; new leaves out what waits)`,
  );
}

/**
 * From when on there are events, where an operator asks for earlier ones: they have gone, by their age or to make room.
 * @returns RFC 3339
 */
export function laterBeginning(
  { state }: { readonly state: Pick<StreamInfo['state'], 'messages' | 'first_seq' | 'first_ts'> },
  from: EventsFrom | undefined,
): string | undefined {
  if (from === undefined || typeof from === 'string' || state.messages === 0) return undefined;
  const isThere =
    'seq' in from ? from.seq >= state.first_seq : from.time.getTime() >= Date.parse(state.first_ts);
  return isThere ? undefined : state.first_ts;
}

function after(seq: number): Partial<ConsumerConfig> {
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: seq + 1 };
}

function since(time: Date): Partial<ConsumerConfig> {
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: time.toISOString() };
}
