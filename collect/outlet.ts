/**
 * Where requests hand their events over: one counts once JetStream has acknowledged it. A server that keeps what it
 * acknowledges writes each message to disk by itself, some hundreds a second; so events of a project that come while
 * others are under way go together, as one message, and a request waits for two writes at most.
 *
 * While NATS is away, or elects a leader, requests wait for it: scripts of Plausible and Umami never come again. How many
 * wait is bounded, and none waits for longer than 5 s: what comes after that is told 503.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../platform/log.ts';
import { isMessageRefused } from '../platform/message-refused.ts';
import type { Nats } from '../platform/nats.ts';
import { toError } from '../shared/errors.ts';
import { EVENTS_PER_MESSAGE_MAX } from '../shared/limits.ts';
import { createDelivery } from './delivery.ts';
import { MESSAGE_EVENT_BYTES, messagesOf, type OutgoingEvent } from './messages.ts';
import type { RequestTrace } from './request-traces.ts';
import { BadRequestError } from './requests.ts';

/** Why nothing can be taken now. */
export type NotNowReason = 'full' | 'nats' | 'redis' | 'quota';

/** Nothing is wrong with the request: the same again later may be taken. */
export class NotNowError extends Error {
  override readonly name = 'NotNowError';
  readonly reason: NotNowReason;

  constructor(reason: NotNowReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export interface Outlet {
  /**
   * Resolves when all are acknowledged.
   * @throws NotNowError where too much is under way, or NATS does not acknowledge; some may be stored all the same
   * @throws BadRequestError 413 where one is larger than NATS ever takes
   */
  send(project: string, events: readonly OutgoingEvent[]): Promise<void>;
  /** Whether one more request would be refused now. */
  readonly isFull: boolean;
  /** What is under way. */
  readonly figures: OutletFigures;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export interface OutletFigures {
  readonly requests: number;
  readonly events: number;
  readonly bytes: number;
  /** Whether the connection to NATS is there. */
  readonly isConnected: boolean;
}

export interface OutletLimits {
  readonly requestsMax: number;
  readonly eventsMax: number;
  readonly bytesMax: number;
  /** For so long a request waits. Trackers give up on an answer after some 5 to 10 s. */
  readonly waitMs: number;
  /** After so long without an acknowledgement the same message is published again. */
  readonly ackMs: number;
}

export const OUTLET_LIMITS: OutletLimits = {
  requestsMax: 10_000,
  eventsMax: 50_000,
  bytesMax: 64 * 1024 * 1024,
  waitMs: 5_000,
  ackMs: 2_000,
};

/** Of one project; the next ones gather meanwhile. */
const GROUPS_UNDER_WAY = 2;
const SAY_EVERY_MS = 10_000;

/** The events of a request, and who waits for them. */
interface Pending {
  readonly events: readonly OutgoingEvent[];
  readonly bytes: number;
  readonly trace: RequestTrace | undefined;
  readonly isOver: boolean;
  /** Set once it is under way. */
  group: Group | undefined;
  /** Answers, once. */
  end(error?: NotNowError | BadRequestError): void;
}

/** Requests whose events go together. */
interface Group {
  readonly members: readonly Pending[];
  /** Of those, as many still wait. */
  left: number;
  isTaken: boolean;
  /** Aborted when none does, and it is not taken yet. */
  readonly stop: AbortController;
}

/** Of one project, in the order they came. */
interface Lane {
  readonly waiting: Pending[];
  groups: number;
}

/** @param traceNow the trace of who sends */
export function createOutlet(
  nats: Pick<Nats, 'connection' | 'js'>,
  log: Logger,
  limits: OutletLimits = OUTLET_LIMITS,
  traceNow: () => RequestTrace | undefined = () => undefined,
): Outlet {
  const lanes = new Map<string, Lane>();
  const figures = { requests: 0, events: 0, bytes: 0 };
  let saidAt = -Infinity;
  const delivery = createDelivery(nats, log, {
    ackMs: limits.ackMs,
    onUp() {
      for (const [project, lane] of lanes) pump(project, lane);
    },
  });

  function say(error: unknown): void {
    if (performance.now() - saidAt < SAY_EVERY_MS) return;
    saidAt = performance.now();
    log.warn({ err: error }, 'nats does not take events, their trackers are told so');
  }

  /** What is not under way when the connection is lost stays here: refused, it is surely not stored. */
  function pump(project: string, lane: Lane): void {
    while (delivery.isUp && lane.waiting.length > 0 && lane.groups < GROUPS_UNDER_WAY) {
      const group = nextGroup(lane);
      lane.groups += 1;
      handOver(project, group, lane)
        .finally(() => {
          lane.groups -= 1;
          pump(project, lane);
          forgetIfIdle(project, lane);
        })
        .catch((error: unknown) => {
          log.error({ err: error }, 'events could not be handed over');
        });
    }
  }

  /** Publishes a group and answers those who wait for it. */
  async function handOver(project: string, group: Group, lane: Lane): Promise<void> {
    const { members, stop } = group;
    try {
      await publish(project, members, stop.signal);
      group.isTaken = true;
      for (const member of members) member.end();
    } catch (error) {
      if (group.left === 0) return;
      say(error);
      if (!isMessageRefused(error)) {
        // Those behind them would only wait as long for the same.
        refuse([...members, ...lane.waiting.splice(0)], error);
      } else if (members.length === 1) {
        refuse(members, error);
      } else {
        await handOverApart(project, group);
      }
    }
  }

  /** Several that went as one message, of which nothing is stored. Each by itself, whose events were the reason shows. */
  async function handOverApart(project: string, { members, stop }: Group): Promise<void> {
    const apart = members.filter(({ isOver }) => !isOver);
    await Promise.all(
      apart.map(async (member) => {
        try {
          await publish(project, [member], stop.signal);
          member.end();
        } catch (error) {
          refuse([member], error);
        }
      }),
    );
  }

  async function publish(
    project: string,
    members: readonly Pending[],
    stop: AbortSignal,
  ): Promise<void> {
    const messages = messagesOf(
      project,
      members.flatMap(({ events }) => events),
    );
    const trace = members.find((member) => member.trace !== undefined)?.trace;
    const outcomes = await Promise.allSettled(
      messages.map((message) => delivery.deliver(message, stop, trace)),
    );
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') throw toError(outcome.reason);
  }

  function forgetIfIdle(project: string, lane: Lane): void {
    if (lane.groups === 0 && lane.waiting.length === 0) lanes.delete(project);
  }

  function laneOf(project: string): Lane {
    const found = lanes.get(project);
    if (found !== undefined) return found;
    const lane: Lane = { waiting: [], groups: 0 };
    lanes.set(project, lane);
    return lane;
  }

  function wait(project: string, events: readonly OutgoingEvent[]): Promise<void> {
    const lane = laneOf(project);
    // With a comma behind each: what this says is one message is one.
    const bytes = events.reduce((sum, { json }) => sum + Buffer.byteLength(json) + 1, 0);
    figures.requests += 1;
    figures.events += events.length;
    figures.bytes += bytes;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const late = new NotNowError('nats', 'NATS has not acknowledged in time');
        say(late);
        pending.end(late);
        forgetIfIdle(project, lane);
      }, limits.waitMs);
      const pending = {
        ...{ events, bytes, trace: traceNow() },
        isOver: false,
        group: undefined as Group | undefined,
        end(error?: NotNowError | BadRequestError) {
          if (pending.isOver) return;
          pending.isOver = true;
          clearTimeout(timer);
          figures.requests -= 1;
          figures.events -= events.length;
          figures.bytes -= bytes;
          leave(pending, lane);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      lane.waiting.push(pending);
      pump(project, lane);
    });
  }

  const outlet: Outlet = {
    async send(project, events) {
      if (outlet.isFull) throw new NotNowError('full', 'too much is under way');
      await wait(project, events);
    },
    get isFull() {
      const { requests, events, bytes } = figures;
      const { requestsMax, eventsMax, bytesMax } = limits;
      return requests >= requestsMax || events >= eventsMax || bytes >= bytesMax;
    },
    get figures() {
      return { ...figures, isConnected: delivery.isUp };
    },
    async idle() {
      while (figures.requests > 0) await sleep(10);
    },
  };
  return outlet;
}

function refuse(all: readonly Pending[], error: unknown): void {
  const refusal = isMessageRefused(error)
    ? new BadRequestError('an event is larger than NATS takes here', 413)
    : new NotNowError('nats', 'NATS has not acknowledged', { cause: error });
  for (const one of all) one.end(refusal);
}

/** The last one of a group that nobody waits for any more stops it; who waits in a lane leaves it in the order they came. */
function leave({ group }: Pending, lane: Lane): void {
  if (group === undefined) {
    while (lane.waiting[0]?.isOver === true) lane.waiting.shift();
    return;
  }
  group.left -= 1;
  if (group.left === 0 && !group.isTaken) group.stop.abort();
}

/** As many as one message holds; one request at least, however many it has. */
function nextGroup(lane: Lane): Group {
  let [count, bytes, events] = [0, 0, 0];
  for (const one of lane.waiting) {
    bytes += one.bytes;
    events += one.events.length;
    if (count > 0 && (bytes > MESSAGE_EVENT_BYTES || events > EVENTS_PER_MESSAGE_MAX)) break;
    count += 1;
  }
  const members = lane.waiting.splice(0, count);
  const group: Group = {
    ...{ members, left: members.length, isTaken: false },
    stop: new AbortController(),
  };
  for (const member of members) member.group = group;
  return group;
}
