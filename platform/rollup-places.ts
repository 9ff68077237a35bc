/** Places in the rollup log by time: what tells a record from another one that got its sequence later. */
import type { DatedLog, LogEnd, Nanos } from '../activities/put-back.ts';
import { ROLLUPS_STREAM } from '../shared/ids.ts';
import type { StreamInfo } from '@nats-io/jetstream';
import type { Nats } from './nats.ts';
import { readRange } from './stream-range.ts';

/** The subjects of a partition. */
export function partitionFilter(partition: number): string {
  return `rollups.${partition}.>`;
}

export function createDatedLog({ js, jsm }: Pick<Nats, 'js' | 'jsm'>): DatedLog {
  return {
    async timeOf(seq) {
      const message = await jsm.streams.getMessage(ROLLUPS_STREAM, { seq });
      return message === null ? undefined : nanosOf(message.timestamp);
    },
    async firstAfter(partition, at) {
      const later = {
        stream: ROLLUPS_STREAM,
        subject: partitionFilter(partition),
        since: timestampOf(BigInt(at) + 1n),
        to: Infinity,
        headersOnly: true,
      } as const;
      for await (const { seq, timestampNanos } of readRange(js, later)) {
        return { seq, at: String(timestampNanos) };
      }
      return undefined;
    },
  };
}

/** The end of a partition, and of the stream whose state it is asked with. */
export async function readEnd(
  { jsm }: Pick<Nats, 'jsm'>,
  partition: number,
): Promise<LogEnd & { readonly info: StreamInfo }> {
  const [info, last] = await Promise.all([
    jsm.streams.info(ROLLUPS_STREAM),
    jsm.streams.getMessage(ROLLUPS_STREAM, { last_by_subj: partitionFilter(partition) }),
  ]);
  const seq = last?.seq ?? 0;
  return {
    log: String(Date.parse(info.created)),
    seq,
    ...(last !== null && { at: nanosOf(last.timestamp) }),
    // A record may have come between the two answers.
    lastSeq: Math.max(seq, info.state.last_seq),
    info,
  };
}

/** `2026-05-05T10:31:07.0012Z`, as JetStream writes times: with as many digits as it takes. */
export function nanosOf(timestamp: string): Nanos {
  const [, seconds = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(timestamp) ?? [];
  return String(BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0')));
}

/** The inverse, with all nine digits. */
export function timestampOf(nanos: bigint): string {
  const seconds = new Date(Number(nanos / 1_000_000_000n) * 1_000).toISOString().slice(0, 19);
  return `${seconds}.${String(nanos % 1_000_000_000n).padStart(9, '0')}Z`;
}
