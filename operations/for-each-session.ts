/** One action on each of many sessions: some at a time, and a failure of one is no failure of the others. */
import { each } from '../shared/each.ts';
import { toError } from '../shared/errors.ts';

export interface SessionName {
  readonly project: string;
  readonly id: string;
}

/** What an action came to, in a word of the action's own: `ended`, `already ended`. */
export type SessionAction<O extends string, S extends SessionName = SessionName> = (
  session: S,
) => Promise<O>;

export interface FailedSession extends SessionName {
  readonly error: string;
}

export interface ManySessions<O extends string> {
  readonly matched: number;
  /** How many came to what. */
  readonly outcomes: Readonly<Partial<Record<O, number>>>;
  readonly failed: readonly FailedSession[];
  /** Not begun, since somebody stopped it. */
  readonly left: number;
}

export interface ManyOptions {
  /** @default 16 */
  readonly atOnce?: number;
  /** Begins no further one once it is aborted; those under way are waited for. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, failed: number) => void;
}

/** Workers and Temporal have visitors to serve, too. */
const AT_ONCE = 16;

/** Does the action on each of the sessions. Never rejects because of one of them. */
export async function forEachSession<O extends string, S extends SessionName = SessionName>(
  sessions: readonly S[],
  action: SessionAction<O, S>,
  { atOnce = AT_ONCE, signal, onProgress }: ManyOptions = {},
): Promise<ManySessions<O>> {
  const outcomes: Partial<Record<O, number>> = {};
  const failed: FailedSession[] = [];
  let done = 0;
  await each(
    sessions,
    atOnce,
    async (session) => {
      try {
        const outcome = await action(session);
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      } catch (error) {
        failed.push({ project: session.project, id: session.id, error: toError(error).message });
      }
      done += 1;
      onProgress?.(done, failed.length);
    },
    signal,
  );
  return { matched: sessions.length, outcomes, failed, left: sessions.length - done };
}
