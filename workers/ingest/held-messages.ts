/**
 * The messages of the stream that ingest holds, and what JetStream is told of them: done once all their parts are kept
 * elsewhere, still worked on meanwhile, to be offered again where that comes to nothing.
 */
import type { JsMsg } from '@nats-io/jetstream';
import { ACK_WAIT_MS } from '../../platform/events-consumer.ts';
import { OVERTAKEN_MAX } from '../../shared/limits.ts';
import type { HeldMessage } from './gather.ts';

export interface Held extends HeldMessage {
  /**
   * Where JetStream waits to hear of it; of what overtakes, not before the consumer comes to it. The message itself
   * would keep the buffer alive that it came in.
   */
  reply: string | undefined;
  /** When JetStream last heard of it, epoch milliseconds. */
  heardOfAt: number;
  /** A part of it is not kept elsewhere, or was never taken: it is to come again. */
  isUnkept: boolean;
}

export interface HeldMessagesDeps {
  readonly publish: (reply: string, word: Uint8Array) => void;
  /** Nothing is to be said of what may be another message by now. */
  readonly isInDoubt: () => boolean;
  readonly now: () => number;
}

export interface HeldMessages {
  readonly size: number;
  /** The lowest sequence that is held, Infinity where none is. */
  readonly first: number;
  /** Messages that are done and not acknowledged yet. */
  readonly unacknowledged: number;
  add(entry: Held): void;
  /** Holds it no more, without a word to JetStream. @returns whether it was held */
  release(entry: Held): boolean;
  /** The very message, where it is held. */
  find(seq: number, receivedAt: number): Held | undefined;
  /** Whether it was delivered out of turn. */
  isOvertaken(seq: number, receivedAt: number): boolean;
  /** The consumer has come to a message: says, once, whether it was delivered out of turn. */
  takeOvertaken(seq: number, receivedAt: number): boolean;
  /** A part of a message is kept elsewhere; its last one settles it. */
  settlePart(message: HeldMessage): void;
  acknowledgeSoon(reply: string): void;
  /** Now, where that is not in doubt. */
  acknowledge(): void;
  /** It is to be offered again, in half a minute. */
  putOff(reply: string): void;
  /** Sequences begin anew. */
  clear(): void;
  /** What is held counts as delivered out of turn: where it is still there, it is acknowledged when it is offered again. */
  setAside(): void;
  /** Acknowledges what is done, gives the rest back, and says nothing more. */
  close(): void;
}

/**
 * A message held for this long is still being worked on, says ingest, and again each time that this has
 * gone by: well within the time that JetStream waits, looked after in steps of half of it.
 */
const STILL_WORKING_MS = ACK_WAIT_MS / 3;
/** Acknowledgements go out together: each write to a socket costs both sides more than ten of them do. */
const ACK_EVERY_MS = 50;

/** What JetStream is told of a message, at its reply subject: done, still worked on, offer it again now or later. */
const ACK = Buffer.from('+ACK');
const WORKING = Buffer.from('+WPI');
const NAK = Buffer.from('-NAK');
const NAK_FOR_LATER = Buffer.from(`-NAK ${JSON.stringify({ delay: 30_000 * 1e6 })}`);

/** Part of the client, not of its types. */
export function replyOf(message: JsMsg): string {
  return (message as JsMsg & { readonly reply: string }).reply;
}

export function holdMessages({ publish, isInDoubt, now }: HeldMessagesDeps): HeldMessages {
  const held = new Map<number, Held>();
  /** When the stream took each, by sequence. */
  const overtaken = new Map<number, number>();
  let settled: string[] = [];
  let ackTimer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const sayWorking = setInterval(() => {
    if (isInDoubt()) return;
    const at = now();
    for (const entry of held.values()) {
      if (entry.reply === undefined || at - entry.heardOfAt < STILL_WORKING_MS) continue;
      publish(entry.reply, WORKING);
      entry.heardOfAt = at;
    }
  }, STILL_WORKING_MS / 2);

  function acknowledgeSoon(reply: string): void {
    settled.push(reply);
    if (!isClosed) ackTimer ??= setTimeout(acknowledge, ACK_EVERY_MS);
  }

  function acknowledge(): void {
    clearTimeout(ackTimer);
    ackTimer = undefined;
    if (isInDoubt()) return;
    for (const reply of settled) publish(reply, ACK);
    settled = [];
  }

  /** Of so many the first is forgotten: delivered again in its turn, it is known by its ids. */
  function rememberOvertaken(seq: number, receivedAt: number): void {
    overtaken.set(seq, receivedAt);
    const [first] = overtaken.size > OVERTAKEN_MAX ? overtaken.keys() : [];
    if (first !== undefined) overtaken.delete(first);
  }

  const putOff = (reply: string) => {
    publish(reply, NAK_FOR_LATER);
  };

  return {
    get size() {
      return held.size;
    },
    get first() {
      let first = Infinity;
      for (const seq of held.keys()) first = Math.min(first, seq);
      return first;
    },
    get unacknowledged() {
      return settled.length;
    },
    add(entry) {
      held.set(entry.seq, entry);
    },
    release(entry) {
      return held.get(entry.seq) === entry && held.delete(entry.seq);
    },
    find(seq, receivedAt) {
      const entry = held.get(seq);
      return entry?.receivedAt === receivedAt ? entry : undefined;
    },
    isOvertaken: (seq, receivedAt) => overtaken.get(seq) === receivedAt,
    takeOvertaken(seq, receivedAt) {
      const at = overtaken.get(seq);
      overtaken.delete(seq);
      return at === receivedAt;
    },
    settlePart(message) {
      message.open -= 1;
      if (message.open > 0) return;
      const { seq } = message;
      const entry = held.get(seq);
      message.trace?.settled(entry === message && entry.isUnkept ? 'given back' : 'acknowledged');
      // That of a stream of before has nobody to acknowledge it to.
      if (entry !== message) return;
      held.delete(seq);
      if (entry.isUnkept) {
        // Not remembered where its turn has yet to come: then it is taken whole, and what is known counts once.
        if (entry.reply !== undefined) putOff(entry.reply);
      } else if (entry.reply === undefined) rememberOvertaken(seq, entry.receivedAt);
      else acknowledgeSoon(entry.reply);
    },
    acknowledgeSoon,
    acknowledge,
    putOff,
    clear() {
      held.clear();
      overtaken.clear();
      settled = [];
    },
    setAside() {
      for (const entry of held.values()) entry.reply = undefined;
      settled = [];
    },
    close() {
      isClosed = true;
      clearInterval(sayWorking);
      acknowledge();
      for (const { reply, trace } of held.values()) {
        if (reply !== undefined) publish(reply, NAK);
        trace?.settled('given back');
      }
    },
  };
}
