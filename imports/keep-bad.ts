/** Records that broke a rule, into the stream DEADLETTERS, as ingest keeps them. */
import { createHash } from 'node:crypto';
import { headers } from '@nats-io/transport-node';
import type { Nats } from '../platform/nats.ts';
import { deadLetterSubject } from '../shared/ids.ts';
import type { ImportPlan } from '../shared/import-plan.ts';
import { EVENT_ID_HEADER } from '../workers/ingest/raw-message.ts';
import type { BadRecord } from './take-records.ts';

const TIMEOUT_MS = 10_000;
const AT_ONCE = 64;

/**
 * Safe to repeat within an hour; a letter that comes again later is there twice, and its event is counted once.
 * @throws what NATS throws
 */
export async function keepBad(
  { js }: Pick<Nats, 'js'>,
  { project, id }: Pick<ImportPlan, 'project' | 'id'>,
  records: AsyncIterable<BadRecord>,
): Promise<void> {
  let underWay: Promise<unknown>[] = [];
  for await (const bad of records) {
    const { file, line, reason, data, eventId } = bad;
    const head = headers();
    head.set('Sojourn-Reason', inOneLine(`${reason} (line ${line} of ${file})`));
    head.set('Sojourn-Subject', `events.${project}.import`);
    // There is none: an import is no message of EVENTS.
    head.set('Sojourn-Sequence', '0');
    if (eventId !== '' && eventId === inOneLine(eventId).trim()) head.set(EVENT_ID_HEADER, eventId);
    underWay.push(
      js.publish(deadLetterSubject(project), data, {
        headers: head,
        msgID: `import-${id}-${nameOf(bad)}`,
        timeout: TIMEOUT_MS,
      }),
    );
    if (underWay.length < AT_ONCE) continue;
    await Promise.all(underWay);
    underWay = [];
  }
  await Promise.all(underWay);
}

/**
 * The same in every run. Not its number: with several threads records come in another order each time, and JetStream would
 * take one for another that it has. Letters that are equal in all of it are one.
 */
function nameOf({ file, line, reason, data, eventId }: BadRecord): string {
  return createHash('sha256')
    .update(JSON.stringify([file, line, reason, eventId]))
    .update(data)
    .digest('base64url')
    .slice(0, 22);
}

/** A header ends with its line, and takes no control characters. */
function inOneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
