/**
 * Tells subscribers what a loaded range added: after the rows can be queried, minute and hour
 * granularities only, one project at a time (CONTRACT, section 5).
 */
import { type Contributions, parseRowKey } from '../shared/contributions.ts';
import { formatDecimal } from '../shared/decimal.ts';
import { each } from '../shared/each.ts';
import { metricsUpdatedSubject } from '../shared/ids.ts';
import { ANNOUNCED_BYTES_MAX } from '../shared/limits.ts';
import { type LogRange, rangeToken } from '../shared/ranges.ts';
import type { ReadableLog } from './load-batch.ts';

const PROJECTS_AT_ONCE = 64;

/** What is needed of NATS. */
export interface Announcer {
  /** Publishes durably; a message id that was seen is ignored. A patient one waits for who may be elected just then. */
  announce(
    subject: string,
    data: string,
    options: {
      readonly messageId: string;
      readonly isPatient: boolean;
      /** The span that announces, for subscribers; where traces are recorded. */
      readonly traceparent?: string;
    },
  ): Promise<void>;
}

/** @throws whatever log and announcer throw; safe to repeat */
export async function announceBatch(
  log: ReadableLog,
  announcer: Announcer,
  range: LogRange,
  { now, isPatient }: { readonly now: number; readonly isPatient: boolean },
): Promise<void> {
  const { metrics } = await log.sumRange(range);
  // Each is synced to disk before it is answered: one after the other, thousands of projects would hold up the next load.
  await each([...metrics], PROJECTS_AT_ONCE, async ([project, rows]) => {
    for (const [part, message] of updateMessages(project, rows, now).entries()) {
      const messageId = `${rangeToken(range)}-${project}-${part}`;
      await announcer.announce(metricsUpdatedSubject(project), message, { messageId, isPatient });
    }
  });
}

/** The messages for a project: JSON, as few as their size allows; none where nothing changed. */
export function updateMessages(project: string, rows: Contributions, now: number): string[] {
  const metrics = [...rows].flatMap(([text, { value, count }]) => {
    const { metric, granularity, bucket, dimension, dimensionValue } = parseRowKey(text);
    if (granularity !== 'minute' && granularity !== 'hour') return [];
    const key = {
      metricType: metric,
      granularity,
      bucket: new Date(bucket).toISOString(),
      dimension,
      dimensionValue,
    };
    // The value is written as its exact decimal text: a JSON number has no precision limit, a
    // JavaScript number has.
    return [
      `${JSON.stringify(key).slice(0, -1)},"value":${formatDecimal(value)},"count":${count}}`,
    ];
  });
  const head = `{"type":"metrics_updated","project":${JSON.stringify(project)},"timestamp":"${new Date(now).toISOString()}","metrics":[`;
  return chunksOf(metrics).map((chunk) => `${head}${chunk.join(',')}]}`);
}

function chunksOf(metrics: readonly string[]): string[][] {
  const chunks: string[][] = [];
  let bytes = Infinity;
  for (const metric of metrics) {
    // Three bytes a character is the most UTF-8 needs for one UTF-16 unit.
    const size = metric.length * 3 + 1;
    bytes += size;
    if (bytes > ANNOUNCED_BYTES_MAX) {
      chunks.push([]);
      bytes = size;
    }
    chunks.at(-1)?.push(metric);
  }
  return chunks;
}
