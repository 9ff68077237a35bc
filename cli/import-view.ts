/** How an import looks on a terminal: bars while it goes on, and a few lines when it is over. */
import type { ReadProgress } from '../imports/read-files.ts';
import type { ImportOutcome } from '../imports/run-import.ts';
import type { Source } from '../operations/read-lines.ts';
import type { ImportPlan } from '../shared/import-plan.ts';
import { formatCount, formatMany, formatMs } from './output.ts';
import { createProgress, type Progress } from './progress.ts';

export type ImportView = ReturnType<typeof createImportView>;

/** Bars, one after the other: of the bytes that are read, then of what is sorted, then of the events that are loaded. */
export function createImportView(sources: readonly Source[]) {
  let progress: Progress = createProgress('reading', totalSize(sources));
  let phase = 'reading';
  let readBytes = 0;
  let loaded = 0;
  let total = 0;
  let loadingSince = 0;
  const next = (name: string, of: number) => {
    if (phase === name) return;
    progress.stop();
    phase = name;
    progress = createProgress(name, of);
  };
  return {
    onBytes(bytes: number) {
      readBytes += bytes;
    },
    onRead({ phase: now, events, bad, share }: ReadProgress) {
      const badNote = bad > 0 ? `, ${formatCount(bad)} bad` : '';
      if (now === 'reading') progress.update(readBytes, `${formatCount(events)} events${badNote}`);
      else {
        next('sorting', 1);
        progress.update(share, `${formatCount(events)} events${badNote}`);
      }
    },
    onPlanned({ events }: ImportPlan) {
      total = events;
      loadingSince = performance.now();
      next('loading', Math.max(1, total));
    },
    onLoaded({ events }: { readonly events: number }) {
      loaded += events;
      const rate = (loaded / (performance.now() - loadingSince)) * 1_000;
      const left = rate > 0 ? `, ${formatMs(((total - loaded) / rate) * 1_000)} left` : '';
      progress.update(
        loaded,
        `${formatCount(loaded)} events, ${formatCount(Math.round(rate))}/s${left}`,
      );
    },
    stop() {
      progress.stop();
    },
  };
}

/** Bytes of all of them; undefined where nobody can tell. */
export function totalSize(sources: readonly Source[]): number | undefined {
  const sizes = sources.flatMap(({ size }) => (size === undefined ? [] : [size]));
  return sizes.length === sources.length ? sizes.reduce((a, b) => a + b, 0) : undefined;
}

/** What came of it. */
export function describeOutcome(outcome: ImportOutcome, durationMs: number): string {
  const { id, state, records, badRecords, events, sessions, loaded, replaced, left, live } =
    outcome;
  const lines = [
    `import ${id}: ${state.replace('_', ' ')}`,
    `${formatMany(events, 'event')} of ${formatMany(records, 'record')}, ${formatMany(sessions, 'session')}, in ${formatMs(durationMs)}`,
    `${formatMany(loaded, 'session')} loaded`,
  ];
  if (replaced > 0) lines.push(`${formatCount(replaced)} of them in the place of others`);
  if (left > 0)
    lines.push(
      formatMany(
        left,
        'session was there already, and is left as it was',
        'sessions were there already, and are left as they were',
      ),
    );
  if (live > 0)
    lines.push(
      formatMany(
        live,
        'session may still get events, and was published',
        'sessions may still get events, and were published',
      ),
    );
  if (badRecords > 0) {
    const where = outcome.badReport === undefined ? '' : `: ${outcome.badReport}`;
    lines.push(
      `${formatMany(badRecords, 'record broke a rule, and is', 'records broke a rule, and are')} left out${where}`,
    );
  }
  return lines.join('\n');
}
