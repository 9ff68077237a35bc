/**
 * How far the consumer is acknowledged, kept where it survives the consumer. Sessions may forget ids up to there and
 * no further: a consumer that has to be made again begins right after it, and gives again what came later.
 */
import { type KeptFloor, keepFloor } from '../../platform/ack-floor.ts';
import type { Logger } from '../../platform/log.ts';
import type { Nats } from '../../platform/nats.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM } from '../../shared/ids.ts';

/** While events flow: a hot session may forget event ids only as fast as it learns the floor. */
const EVERY_MS = 1_000;

export interface FloorDeps {
  readonly nats: Nats;
  readonly log: Logger;
  /** Messages pulled so far: where none come, the floor stands. */
  readonly pulled: () => number;
}

export interface FollowedFloor {
  /** The sequence up to which a consumer made again gives nothing. */
  readonly kept: number;
  /** Keeps the floor a last time. @throws what the client throws */
  stop(): Promise<void>;
}

export function followFloor({ nats, log, pulled }: FloorDeps): FollowedFloor {
  let kept: KeptFloor | undefined;
  let followedTo = -1;
  let work = Promise.resolve();

  async function follow(): Promise<void> {
    const upTo = pulled();
    // In this order: a stream made anew in between has a floor of its own, which is too low for that of before.
    const { created: stream } = await nats.jsm.streams.info(EVENTS_STREAM);
    const info = await nats.jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER);
    const seq = info.ack_floor.stream_seq;
    if (kept?.stream !== stream || kept.seq !== seq) kept = await keepFloor(nats, { stream, seq });
    // Until it has come all the way: long after, nobody may remember what is given again.
    if (info.num_ack_pending === 0) followedTo = upTo;
  }

  const timer = setInterval(() => {
    if (pulled() === followedTo) return;
    work = work.then(follow).catch((error: unknown) => {
      log.debug({ err: error }, 'ack floor not known for now');
    });
  }, EVERY_MS);

  return {
    get kept() {
      return kept?.seq ?? 0;
    },
    async stop() {
      clearInterval(timer);
      await work;
      await follow();
    },
  };
}
