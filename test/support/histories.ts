/** The recorded histories (test/replay/record.ts), and what their runs had written. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import proto from '@temporalio/proto';
import type { Rollup } from '../../shared/rollup.ts';

export type History = proto.temporal.api.history.v1.IHistory;

const HISTORIES = new URL('../replay/histories/', import.meta.url);
const ENDING = '.pb.gz';

export const HISTORY_NAMES = readdirSync(HISTORIES).filter((name) => name.endsWith(ENDING));

/** Where a history lies, and beside it the records, by its name. */
export function filesOf(name: string): { readonly history: URL; readonly records: URL } {
  const records = `${name.slice(0, -ENDING.length)}.records.json.gz`;
  return { history: new URL(name, HISTORIES), records: new URL(records, HISTORIES) };
}

export function historyNamed(name: string): History {
  return proto.temporal.api.history.v1.History.decode(
    gunzipSync(readFileSync(filesOf(name).history)),
  );
}

/** What the run wrote, whichever way; undefined of the time when all of that was in the history. */
export function recordsOf(name: string): readonly Rollup[] | undefined {
  const { records } = filesOf(name);
  if (!existsSync(records)) return undefined;
  return JSON.parse(gunzipSync(readFileSync(records)).toString()) as Rollup[];
}
