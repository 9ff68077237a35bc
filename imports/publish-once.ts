/**
 * Sessions of a chunk that go the live way are published once, however often the chunk is tried and whoever tries it. To
 * publish them again is harmless only for as long as their sessions know their events: `LATE_WINDOW` after their end. So it
 * is noted, as soon as NATS has all of them, in a log of its own, long before the chunk is loaded.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import type { TableWriter } from '../activities/load-batch.ts';
import { noteReached } from '../bulk/ledger.ts';
import type { ImportLife } from '../shared/import-plan.ts';
import { placeOf } from './close-load.ts';
import { loadName } from './import-tables.ts';
import type { SessionBytes } from './run-file.ts';

/** Publishes sessions of a chunk, and resolves when NATS has them. */
export type PublishLive = (sessions: readonly SessionBytes[], chunk: number) => Promise<void>;

/** The same, of a life of an import, where it was not done before. @throws what that, and ClickHouse, throws; safe to repeat */
export type PublishOnce = (
  life: ImportLife,
  sessions: readonly SessionBytes[],
  chunk: number,
) => Promise<void>;

export function createPublishOnce(
  { tables, reader }: { readonly tables: TableWriter; readonly reader: ClickHouseClient },
  publishLive: PublishLive,
): PublishOnce {
  // What this process has published and could not note: a ClickHouse that takes nothing is tried every few seconds.
  let unnoted = '';
  return async (life, sessions, chunk) => {
    if (sessions.length === 0) return;
    const log = liveNameOf(loadName(life));
    if ((await placeOf(reader, log)).loadedTo >= chunk) return;
    const own = `${log} ${chunk}`;
    if (unnoted !== own) await publishLive(sessions, chunk);
    unnoted = own;
    await noteReached(tables, log, chunk);
    // A ClickHouse that is put back to an older copy has lost it: what it says counts from now on.
    unnoted = '';
  };
}

/** The log that says up to which chunk of a load all is published. Chunks are in order, and without a gap. */
export function liveNameOf(load: string): string {
  return `${load}/live`;
}
