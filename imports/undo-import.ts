/** Takes an import back, whether it is done or not; by this process, or by that which imports it just now. */
import type { ClickHouseClient } from '@clickhouse/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Logger } from '../platform/log.ts';
import { SojournError } from '../shared/errors.ts';
import type { ImportPlan, TakenBack } from '../shared/import-plan.ts';
import { undoSignal } from '../workflows/messages.ts';
import { createImportActivities } from './activities.ts';
import { hostImport, startImport } from './host-import.ts';
import { type ImportRow, isOver, listImports } from './import-tables.ts';
import { failWhereOthersLoad } from './one-at-a-time.ts';
import type { ImportServers } from './servers.ts';
import { failWhereReplaced } from './take-back.ts';
import { createWait } from './wait.ts';

export interface UndoOptions {
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly onTakenBack: (taken: TakenBack) => void;
}

/** What was taken back, as it was before. */
export interface Undone {
  readonly row: ImportRow;
  /** Nothing was to be done. */
  readonly already: boolean;
}

/**
 * Safe to repeat, and by several at once.
 * @throws SojournError `SJ_NOT_FOUND` where there is none; `SJ_USAGE` where another one has replaced sessions of it, or loads
 */
export async function undoImport(
  servers: ImportServers,
  id: string,
  { signal, log, onTakenBack }: UndoOptions,
): Promise<Undone> {
  const { reader } = servers;
  const [row] = await listImports(reader, { id });
  if (row === undefined) throw new SojournError('SJ_NOT_FOUND', `there is no import ${id}`);
  if (isOver(row.state)) return { row, already: true };
  const plan = JSON.parse(row.plan) as ImportPlan;
  await failWhereReplaced(reader, plan);
  failWhereOthersLoad(await listImports(reader, { project: row.project }), row);
  const activities = createImportActivities({
    ...servers,
    source: undefined,
    publishLive: () => Promise.resolve(),
    onLoaded: () => undefined,
    onTakenBack,
    wait: createWait(log),
  });
  // Another undo of it may be at it, or through at any moment, and the same files may be imported again then.
  while (await isToBeTakenBack(reader, plan)) {
    const handle = await startImport(servers, { plan, takesBack: true });
    // Where it runs already. One that ends just now does not hear of it: then it is begun once more.
    await handle.signal(undoSignal, plan.life).catch(ignoreNotFound);
    await hostImport(servers, handle, { id, activities, signal, log });
  }
  return { row, already: false };
}

async function isToBeTakenBack(
  reader: ClickHouseClient,
  { project, id, life }: ImportPlan,
): Promise<boolean> {
  const lives = await listImports(reader, { project, id, withdrawn: true });
  const own = lives.find((one) => one.life === life);
  return own !== undefined && !isOver(own.state);
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}
