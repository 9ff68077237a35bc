/**
 * Whether EVENTS is what it was, looked at whenever NATS was away. Put back to an older copy, it gives the sequences of
 * what it has lost to other messages; an acknowledgement of one of before would be taken for one of theirs, and they
 * would never be offered again. So while NATS is away, and until this is known, nothing is acknowledged.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '../../shared/errors.ts';

/** A message as it lies in the stream. */
export interface SeenMessage {
  readonly seq: number;
  /** When the stream took it, epoch milliseconds. */
  readonly receivedAt: number;
}

export interface PutBackWatchDeps {
  /** When the connection is lost and when it is back; ends with it. */
  readonly link: AsyncIterable<{ readonly type: 'disconnect' | 'reconnect' }>;
  /** The last sequence that the stream has given, whether its message is still there or not. */
  readonly lastSeq: () => Promise<number>;
  /** When the stream took the message that lies there now; undefined where none does. */
  readonly receivedAt: (seq: number) => Promise<number | undefined>;
  /** The newest message that was taken: where that is still there, or was removed since, all before it lie where they lay. */
  readonly newest: () => SeenMessage | undefined;
  /** What was taken before may lie elsewhere now, or nowhere. */
  readonly onPutBack: () => void;
  /** Acknowledgements may go out again. */
  readonly onKnown: () => void;
  /** The stream does not answer; it is asked again. */
  readonly onUnknown: (error: Error) => void;
}

export interface PutBackWatch {
  readonly isInDoubt: boolean;
  /** Rejects where the connection cannot be followed. */
  readonly finished: Promise<void>;
}

const AGAIN_MS = 500;

export function watchPutBack(deps: PutBackWatchDeps): PutBackWatch {
  let isInDoubt = false;
  let suspect: SeenMessage | undefined;
  let looks = 0;

  async function liesOrLay({ seq, receivedAt }: SeenMessage): Promise<boolean> {
    // In this order: a stream that was put back may give the sequence to another message meanwhile.
    const lastSeq = await deps.lastSeq();
    const there = await deps.receivedAt(seq);
    // Removed: it is of somebody forgotten, or too old, or the stream was purged.
    return there === receivedAt || (there === undefined && lastSeq >= seq);
  }

  /** Asks until there is an answer. @returns undefined where it was away again meanwhile: what was seen is of before */
  async function isSuspectThere(mine: number): Promise<boolean | undefined> {
    while (mine === looks) {
      try {
        const isThere = suspect === undefined || (await liesOrLay(suspect));
        return mine === looks ? isThere : undefined;
      } catch (error) {
        deps.onUnknown(toError(error));
        await sleep(AGAIN_MS);
      }
    }
    return undefined;
  }

  async function look(): Promise<void> {
    const isThere = await isSuspectThere(looks);
    if (isThere === undefined) return;
    isInDoubt = false;
    if (!isThere) deps.onPutBack();
    deps.onKnown();
  }

  async function follow(): Promise<void> {
    let looking = Promise.resolve();
    for await (const { type } of deps.link) {
      looks += 1;
      if (type === 'reconnect') looking = Promise.all([looking, look()]).then(() => undefined);
      // What comes once it is back need not be what was taken before.
      else if (!isInDoubt) suspect = deps.newest();
      isInDoubt = true;
    }
    looks += 1;
    await looking;
  }

  return {
    get isInDoubt() {
      return isInDoubt;
    },
    finished: follow(),
  };
}
