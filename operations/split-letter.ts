/**
 * An array that is one dead letter, since all of it was over a quota, and has events of somebody who is to be forgotten:
 * the others are kept as letters of their own, under the ids that they would have had.
 */
import type { JsMsg } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { Nats } from '../platform/nats.ts';
import { type PersonIds, namesPerson } from '../shared/pseudonyms.ts';
import { OVER_QUOTA } from '../shared/quota.ts';
import { asBuffer, elementSlices, isArrayText } from '../workers/ingest/json-slices.ts';
import { EVENT_ID_HEADER } from '../workers/ingest/raw-message.ts';

const KEPT_HEADERS = ['Sojourn-Reason', 'Sojourn-Subject', 'Sojourn-Sequence'] as const;

/** The letter itself is left where it is. Again is the same, within an hour, and counts once for ever. @throws what the client throws */
export async function keepOthers(
  { js }: Pick<Nats, 'js'>,
  letter: Pick<JsMsg, 'data' | 'headers' | 'seq' | 'subject'>,
  ids: PersonIds,
): Promise<void> {
  const { data, headers: given, seq, subject } = letter;
  if (given?.get('Sojourn-Reason').startsWith(OVER_QUOTA) !== true || !isArrayText(data)) return;
  for (const [index, { start, end }] of elementSlices(asBuffer(data)).entries()) {
    const part = data.subarray(start, end);
    if (namesPerson(Buffer.from(part).toString(), ids)) continue;
    const head = headers();
    for (const name of KEPT_HEADERS) head.set(name, given.get(name));
    const id = given.get(EVENT_ID_HEADER);
    if (id !== '') head.set(EVENT_ID_HEADER, `${id}#${index}`);
    await js.publish(subject, part, { headers: head, msgID: `split-${seq}-${index}` });
  }
}
