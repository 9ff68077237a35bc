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
  /** What happens to the connection; ends with it. */
  readonly status: AsyncIterable<{ readonly type: string }>;
  /** When the stream took the message that lies there now; undefined where none does. */
  readonly receivedAt: (seq: number) => Promise<number | undefined>;
  /** The newest message that was taken: where that is still there, all before it are. */
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
  /** Rejects where the connection's status cannot be followed. */
  readonly finished: Promise<void>;
}

const AGAIN_MS = 500;

export function watchPutBack(deps: PutBackWatchDeps): PutBackWatch {
  let isInDoubt = false;
  let suspect: SeenMessage | undefined;
  let looks = 0;

  /** Asks until there is an answer. @returns undefined where it was away again meanwhile: what was seen is of before */
  async function isSuspectThere(mine: number): Promise<boolean | undefined> {
    while (mine === looks) {
      try {
        const isThere =
          suspect === undefined || (await deps.receivedAt(suspect.seq)) === suspect.receivedAt;
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
    for await (const { type } of deps.status) {
      if (type !== 'disconnect' && type !== 'reconnect') continue;
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
