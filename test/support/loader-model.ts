/** What the models of the loader have in common: a network to ClickHouse that fails, and a wait that takes no time. */
import fc from 'fast-check';
import type { TableWriter } from '../../activities/load-batch.ts';
import type { Waiting } from '../../activities/plan-batch.ts';
import type { WriterTable } from '../../platform/writer-rights.ts';

export interface Insert {
  readonly table: WriterTable;
  readonly rows: readonly object[];
  readonly token: string;
}

export type Fate = 'done' | 'refused' | 'replyLost' | 'heldBack';

/** What becomes of one insert after the other. */
export function fates(maxLength: number): fc.Arbitrary<Fate[]> {
  return fc.array(
    fc.constantFrom<Fate>('done', 'done', 'done', 'refused', 'replyLost', 'heldBack'),
    { minLength: 1, maxLength },
  );
}

export abstract class ClickHouseModel {
  /** Inserts that the network holds back. */
  readonly underway: Insert[] = [];

  abstract arrive(insert: Insert): void;

  writer(fateOf: () => Fate): TableWriter {
    return {
      insert: (table, rows, token) => {
        if (rows.length === 0) return Promise.resolve();
        // The loader sends no rows that are made in advance: only imports do.
        const insert = { table, rows: rows as readonly object[], token };
        const fate = fateOf();
        // A server runs one query of an id at a time; what waits in the network is no query yet.
        if (fate === 'done' || fate === 'replyLost') this.arrive(insert);
        if (fate === 'heldBack') this.underway.push(insert);
        return fate === 'done' ? Promise.resolve() : Promise.reject(new Error(fate));
      },
    };
  }

  /** One of those that were held back arrives after all. */
  deliver(which: number): void {
    const [insert] = this.underway.splice(which % Math.max(1, this.underway.length), 1);
    if (insert !== undefined) this.arrive(insert);
  }
}

export function idleWaiting(): Waiting {
  let now = 0;
  return {
    heartbeat: () => undefined,
    stop: new AbortController().signal,
    patienceMs: 0,
    gatherMs: () => 0,
    sleep: (ms: number) => {
      now += ms;
      return Promise.resolve();
    },
    now: () => now,
  };
}
