/** Looking into EVENTS without the consumer: who has messages there, and what comes after a place. */
import type { StoredMsg } from '@nats-io/jetstream';
import { EVENTS_STREAM, parseEventSubject } from '../shared/ids.ts';
import type { Nats } from './nats.ts';
import { projectEvents } from './quota-kept.ts';

/** Bytes asked for at a time: more than any one message has. */
const READ_BYTES_MAX = 4 * 1024 * 1024;
const TIMEOUT_MS = 5_000;

/** Messages by project, of all that have any. @throws what the client throws */
export async function countByProject({ jsm }: Pick<Nats, 'jsm'>): Promise<Map<string, number>> {
  const { state } = await jsm.streams.info(EVENTS_STREAM, { subjects_filter: 'events.>' });
  const counts = new Map<string, number>();
  for (const [subject, count] of Object.entries(state.subjects ?? {})) {
    const parsed = parseEventSubject(subject);
    if (parsed?.valid !== true) continue;
    counts.set(parsed.project, (counts.get(parsed.project) ?? 0) + count);
  }
  return counts;
}

/**
 * Messages of a project from a sequence on, in order.
 * @returns fewer than asked for where no more are there
 * @throws what the client throws, also where EVENTS does not allow direct reading (`migrate` sees to it)
 */
export async function readAhead(
  { jsm }: Pick<Nats, 'jsm'>,
  project: string,
  fromSeq: number,
  count: number,
): Promise<StoredMsg[]> {
  const messages: StoredMsg[] = [];
  while (messages.length < count) {
    const seq = (messages.at(-1)?.seq ?? fromSeq - 1) + 1;
    const more = await readBatch(jsm, { project, seq, batch: count - messages.length });
    messages.push(...more);
    if (more.length === 0 || isLast(more.at(-1))) break;
  }
  return messages;
}

/** What a direct read says beside, which is not part of the client's types: how many come after. */
function isLast(message: StoredMsg | undefined): boolean {
  return (message as { readonly pending?: unknown } | undefined)?.pending === 0;
}

function readBatch(
  jsm: Nats['jsm'],
  {
    project,
    seq,
    batch,
  }: { readonly project: string; readonly seq: number; readonly batch: number },
): Promise<StoredMsg[]> {
  return new Promise((resolve, reject) => {
    const messages: StoredMsg[] = [];
    const timer = setTimeout(() => {
      reject(new Error(`no answer to a direct read of ${EVENTS_STREAM} within ${TIMEOUT_MS} ms`));
    }, TIMEOUT_MS);
    const options = {
      seq,
      batch,
      max_bytes: READ_BYTES_MAX,
      next_by_subj: projectEvents(project),
      // Only with a callback does the client give up its subscription in the end.
      callback(done: { readonly err?: Error } | null, message: StoredMsg) {
        if (done === null) {
          messages.push(message);
          return;
        }
        clearTimeout(timer);
        // "Message not found": none from there on.
        if (done.err === undefined || isNotFound(done.err)) resolve(messages);
        else reject(done.err);
      },
    };
    jsm.direct.getBatch(EVENTS_STREAM, options).catch((error: unknown) => {
      clearTimeout(timer);
      reject(error instanceof Error ? error : new Error(String(error)));
    });
  });
}

function isNotFound(error: Error): boolean {
  return (error as { readonly code?: unknown }).code === 404;
}
