/** The ledger of loaded ranges, in the stream INGEST. */
import type { KeptRange, LoadLedger } from '../activities/load-ledger.ts';
import { INGEST_STREAM, LOADED_SUBJECT } from '../shared/ids.ts';
import type { Nats } from './nats.ts';

export function createLoadLedger({ js, jsm }: Pick<Nats, 'js' | 'jsm'>): LoadLedger {
  const subjectOf = (partition: number) => `${LOADED_SUBJECT}.${partition}`;
  return {
    async read(partition) {
      const last = { last_by_subj: subjectOf(partition) };
      const message = await jsm.streams.getMessage(INGEST_STREAM, last);
      // Nobody but this writes there.
      return message === null ? undefined : { ...message.json<KeptRange>(), place: message.seq };
    },
    async keep({ range, isLoaded }, over) {
      const { seq } = await js.publish(
        subjectOf(range.partition),
        JSON.stringify({ range, isLoaded }),
        { expect: { lastSubjectSequence: over }, timeout: 5_000 },
      );
      return seq;
    },
  };
}
