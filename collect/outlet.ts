/**
 * Where requests hand their events over: one counts once JetStream has acknowledged it. A server that keeps what it
 * acknowledges writes each message to disk by itself, some hundreds a second; so events of a project that come while
 * others are under way go together, as one message, and a request waits for two writes at most. What is under way is
 * bounded, and nothing waits long: a tracker that is told 503 keeps its events and comes again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../platform/log.ts';
import type { Nats } from '../platform/nats.ts';
import { MESSAGE_EVENT_BYTES, messagesOf, type OutgoingEvent } from './messages.ts';
import { toError } from '../shared/errors.ts';
import { EVENTS_PER_MESSAGE_MAX } from '../shared/limits.ts';

/** Nothing is wrong with the request: the same again later may be taken. */
export class NotNowError extends Error {
  override readonly name = 'NotNowError';
}

export interface Outlet {
  /**
   * Resolves when all are acknowledged.
   * @throws NotNowError where too much is under way, or NATS does not acknowledge; some may be stored all the same
   */
  send(project: string, events: readonly OutgoingEvent[]): Promise<void>;
  /** Whether one more request would be refused now. */
  readonly isFull: boolean;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export interface OutletLimits {
  readonly eventsMax: number;
  readonly bytesMax: number;
  /** Trackers give up on an answer after some 5 to 10 s. */
  readonly ackMs: number;
}

export const OUTLET_LIMITS: OutletLimits = {
  eventsMax: 50_000,
  bytesMax: 64 * 1024 * 1024,
  ackMs: 4_000,
};

/** Of one project; the next ones gather meanwhile. */
const GROUPS_UNDER_WAY = 2;
const SAY_EVERY_MS = 10_000;

/** The events of a request, and who waits for them. */
interface Pending {
  readonly events: readonly OutgoingEvent[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: NotNowError) => void;
}

/** Of one project. */
interface Lane {
  waiting: Pending[];
  groups: number;
}

export function createOutlet(
  { connection, js }: Pick<Nats, 'connection' | 'js'>,
  log: Logger,
  limits: OutletLimits = OUTLET_LIMITS,
): Outlet {
  const lanes = new Map<string, Lane>();
  let underWay = 0;
  let underWayBytes = 0;
  let isConnected = true;
  let saidAt = -Infinity;

  const watch = async () => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') isConnected = false;
      if (type === 'reconnect') isConnected = true;
    }
  };
  watch().catch((error: unknown) => {
    log.debug({ err: error }, 'connection is not watched any more');
  });

  function say(error: unknown): void {
    if (performance.now() - saidAt < SAY_EVERY_MS) return;
    saidAt = performance.now();
    log.warn({ err: error }, 'nats does not take events, trackers are told to come again');
  }

  function pump(project: string, lane: Lane): void {
    while (lane.waiting.length > 0 && lane.groups < GROUPS_UNDER_WAY) {
      const group = nextGroup(lane);
      lane.groups += 1;
      publish(project, group)
        .then(
          () => {
            for (const { resolve } of group) resolve();
          },
          (error: unknown) => {
            say(error);
            const refusal = new NotNowError('NATS has not acknowledged', { cause: error });
            // Those behind them would only wait as long for the same.
            for (const { reject } of [...group, ...lane.waiting.splice(0)]) reject(refusal);
          },
        )
        .finally(() => {
          lane.groups -= 1;
          if (lane.groups === 0 && lane.waiting.length === 0) lanes.delete(project);
          else pump(project, lane);
        })
        .catch((error: unknown) => {
          log.error({ err: error }, 'events could not be handed over');
        });
    }
  }

  async function publish(project: string, group: readonly Pending[]): Promise<void> {
    const messages = messagesOf(
      project,
      group.flatMap(({ events }) => events),
    );
    const outcomes = await Promise.allSettled(
      messages.map(({ subject, data }) => js.publish(subject, data, { timeout: limits.ackMs })),
    );
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') throw toError(outcome.reason);
  }

  const outlet: Outlet = {
    async send(project, events) {
      if (outlet.isFull) throw new NotNowError('too many events are under way');
      // What is published meanwhile would only wait in memory.
      if (!isConnected) throw new NotNowError('the connection to NATS is lost');
      let lane = lanes.get(project);
      if (lane === undefined) {
        lane = { waiting: [], groups: 0 };
        lanes.set(project, lane);
      }
      const { waiting } = lane;
      const bytes = events.reduce((sum, { json }) => sum + json.length, 0);
      underWay += events.length;
      underWayBytes += bytes;
      try {
        const taken = new Promise<void>((resolve, reject) => {
          waiting.push({ events, bytes, resolve, reject });
        });
        pump(project, lane);
        await taken;
      } finally {
        underWay -= events.length;
        underWayBytes -= bytes;
      }
    },
    get isFull() {
      return underWay >= limits.eventsMax || underWayBytes >= limits.bytesMax;
    },
    async idle() {
      while (underWay > 0) await sleep(10);
    },
  };
  return outlet;
}

/** As many as one message holds; one request at least, however many it has. */
function nextGroup(lane: Lane): readonly Pending[] {
  let [count, bytes, events] = [0, 0, 0];
  for (const one of lane.waiting) {
    bytes += one.bytes;
    events += one.events.length;
    if (count > 0 && (bytes > MESSAGE_EVENT_BYTES || events > EVENTS_PER_MESSAGE_MAX)) break;
    count += 1;
  }
  return lane.waiting.splice(0, count);
}
