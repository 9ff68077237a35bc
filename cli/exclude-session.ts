/** Takes a session out of the numbers, or lets it count again. */
import { withNats, withTemporal } from '../operations/connect.ts';
import {
  type DryRun,
  dryRunOf,
  type TurnedRow,
  turnSession as turn,
} from '../operations/exclude.ts';
import { createRollupLog } from '../platform/nats.ts';
import { createSessionHistory } from '../platform/session-history.ts';
import { actNote, type NoteOptions } from './act-note.ts';
import { commandConfig } from './command-config.ts';
import { asJson, formatCount, formatMany, print, printJson, printTable, remark } from './output.ts';
import { whileUnderWay } from './progress.ts';
import { type OneOptions, printView } from './show-sessions.ts';

export interface TurnOptions extends OneOptions, NoteOptions {
  readonly dryRun?: true | undefined;
}

/** @throws SojournError `SJ_NOT_FOUND`; `SJ_NOT_EXACT` */
export async function turnSession(
  sessionId: string,
  isExcluded: boolean,
  options: TurnOptions,
): Promise<void> {
  const { project } = options;
  if (options.dryRun) {
    const config = commandConfig(options, ['TEMPORAL_ADDRESS']);
    const dryRun = await whileUnderWay(
      'reading the session',
      () =>
        withTemporal(config, (temporal) => dryRunOf(temporal, { project, sessionId, isExcluded })),
      options,
    );
    printDryRun(dryRun, isExcluded, options);
    return;
  }
  const config = commandConfig(options, ['TEMPORAL_ADDRESS', 'NATS_URL']);
  const title = isExcluded ? 'excluding the session' : 'including the session';
  const turning = () =>
    withTemporal(config, (temporal) =>
      // What a run that was terminated had written, only the log knows.
      withNats(config, (nats) =>
        turn(temporal, createSessionHistory(temporal.client, createRollupLog(nats)), {
          project,
          sessionId,
          isExcluded,
          note: actNote(options),
        }),
      ),
    );
  const { view, already } = await whileUnderWay(title, turning, options);
  if (already)
    remark(isExcluded ? 'the session was excluded already' : 'the session counts already');
  printView(view, options);
}

function printDryRun(dryRun: DryRun, isExcluded: boolean, options: TurnOptions): void {
  if (asJson(options)) {
    printJson(dryRun);
    return;
  }
  const { rows, excluded } = dryRun;
  if (excluded === isExcluded) {
    remark(isExcluded ? 'the session is excluded already' : 'the session counts already');
    return;
  }
  printTurned(rows);
  print(`${formatMany(rows.length, 'row')} would be added; nothing was changed`);
}

/** Rows as they would be added to `metrics`, for people. */
export function printTurned(rows: readonly TurnedRow[]): void {
  printTable(
    ['METRIC', 'GRANULARITY', 'BUCKET', 'DIMENSION', 'VALUE OF IT', 'VALUE', 'COUNT'],
    rows.map((row) => [
      row.metricType,
      row.granularity,
      row.bucket,
      row.dimension,
      row.dimensionValue,
      row.value,
      formatCount(row.count),
    ]),
  );
}
