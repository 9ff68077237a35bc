/**
 * Keeps dead letters in the stream DEADLETTERS, beside everything else: nothing waits for a letter but its own
 * message. What DEADLETTERS does not take after some tries stays in EVENTS: its message is given back, to be offered
 * again after a while, so that neither memory nor anybody's events pile up behind it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import type { Logger } from '../../platform/log.ts';
import type { Nats } from '../../platform/nats.ts';
import { DEADLETTERS_STREAM, deadLetterSubject, EVENTS_STREAM } from '../../shared/ids.ts';
import type { DeadLetter } from './parse-event.ts';
import { EVENT_ID_HEADER } from './raw-message.ts';

/** Where a letter comes from. */
export interface LetterSource {
  readonly subject: string;
  readonly seq: number;
  /** What its message is known by: never that of another one. */
  readonly place: string;
}

export interface DeadLetters {
  /** @returns whether DEADLETTERS keeps it; never rejects */
  keep(project: string, source: LetterSource, letter: DeadLetter): Promise<boolean>;
  /** Letters that are neither kept nor given up yet. */
  readonly waiting: number;
  /** No more are wanted for now. */
  readonly isFull: boolean;
  /** DEADLETTERS took none lately: a message with a letter may as well be given back at once. */
  readonly isFailing: boolean;
  /** From now on each letter is tried once. */
  hurry(): void;
}

export interface DeadLettersDeps {
  readonly js: Pick<Nats['js'], 'publish'>;
  readonly log: Logger;
  readonly now: () => number;
}

const UNDER_WAY_MAX = 64;
/** One message may bring a thousand. */
const WAITING_MAX = 2_000;
const WAITING_BYTES_MAX = 32 * 1024 * 1024;
const TRIES = 3;
const FIRST_WAIT_MS = 200;
const TIMEOUT_MS = 5_000;
/** So many tries in a row are not about single letters; after so long another one finds out. */
const FAILING = { tries: 6, forMs: 2_000 } as const;

export function createDeadLetters({ js, log, now }: DeadLettersDeps): DeadLetters {
  let waiting = 0;
  let bytes = 0;
  let underWay = 0;
  let failedInARow = 0;
  let failedAt = 0;
  let hurried = false;
  const places: (() => void)[] = [];

  /** One at a time of {@link UNDER_WAY_MAX}. */
  async function enter(): Promise<void> {
    if (underWay < UNDER_WAY_MAX) underWay += 1;
    else await new Promise<void>((resolve) => places.push(resolve));
  }

  function leave(): void {
    const next = places.shift();
    if (next === undefined) underWay -= 1;
    else next();
  }

  async function publish(project: string, source: LetterSource, letter: DeadLetter): Promise<void> {
    const part = letter.index === undefined ? '' : `#${letter.index}`;
    await js.publish(deadLetterSubject(project), letter.data, {
      headers: headersOf(source, letter),
      msgID: `${EVENTS_STREAM}-${source.place}${part}`,
      timeout: TIMEOUT_MS,
    });
    const { reason } = letter;
    log.debug({ subject: source.subject, seq: source.seq, reason }, 'dead letter');
  }

  async function untilKept(
    project: string,
    source: LetterSource,
    letter: DeadLetter,
  ): Promise<boolean> {
    for (let tries = 1; ; tries += 1) {
      try {
        await publish(project, source, letter);
        failedInARow = 0;
        return true;
      } catch (error) {
        failedInARow += 1;
        failedAt = now();
        const { seq } = source;
        const told = { err: error, stream: DEADLETTERS_STREAM, seq, bytes: letter.data.length };
        if (tries === TRIES || hurried) {
          log.error(told, 'dead letter not kept, its message stays in EVENTS and comes again');
          return false;
        }
        log.warn(told, 'dead letter not kept, trying again');
        await sleep(FIRST_WAIT_MS * 2 ** (tries - 1));
      }
    }
  }

  return {
    async keep(project, source, letter) {
      waiting += 1;
      bytes += letter.data.length;
      await enter();
      try {
        return await untilKept(project, source, letter);
      } finally {
        leave();
        waiting -= 1;
        bytes -= letter.data.length;
      }
    },
    get waiting() {
      return waiting;
    },
    get isFull() {
      return waiting >= WAITING_MAX || bytes >= WAITING_BYTES_MAX;
    },
    get isFailing() {
      return failedInARow >= FAILING.tries && now() - failedAt < FAILING.forMs;
    },
    hurry() {
      hurried = true;
    },
  };
}

function headersOf(source: LetterSource, letter: DeadLetter): MsgHdrs {
  const head = headers();
  head.set('Sojourn-Reason', inOneLine(letter.reason));
  head.set('Sojourn-Subject', inOneLine(source.subject));
  head.set('Sojourn-Sequence', String(source.seq));
  // Replay hands it back, so that the event keeps its id. One that no header can hold stands in the event itself.
  const { eventId } = letter;
  if (eventId === inOneLine(eventId).trim()) head.set(EVENT_ID_HEADER, eventId);
  return head;
}

/** A header ends with its line, and the client refuses what would end it sooner. */
function inOneLine(text: string): string {
  return text.replace(/[\r\n]/g, '?');
}
