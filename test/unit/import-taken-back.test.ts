/** What goes on with an import that was taken back: an undo that comes late, a process that stood still. */
import type { ClickHouseClient } from '@clickhouse/client';
import { expect } from 'chai';
import type { TableWriter } from '../../activities/load-batch.ts';
import { RowBytes } from '../../platform/row-bytes.ts';
import type { Fate } from '../../imports/decide.ts';
import type { ImportState } from '../../imports/import-tables.ts';
import { NotedOtherwiseError, settleNotes } from '../../imports/settle-notes.ts';
import { createStillLoading } from '../../imports/still-loading.ts';
import { takeBackSome } from '../../imports/take-back.ts';
import { rowKeyText } from '../../shared/contributions.ts';
import { ONE } from '../../shared/decimal.ts';
import type { ImportPlan } from '../../shared/import-plan.ts';

const ONE_ROW = new RowBytes(['session_id'], [Buffer.from('\u0003s-1')], 1);
const LIFE = { project: 'shop', id: 'an-import', life: 1 };
const importIn = (id: string, life: number, state: ImportState) => ({
  ...{ project: 'shop', id, life, state, beganAt: life },
});

/** A ClickHouse that has these answers, by what stands in the question. */
function readerOf(answers: Readonly<Record<string, readonly object[]>>): ClickHouseClient {
  return {
    query: ({ query }: { query: string }) => {
      const [, rows = []] = Object.entries(answers).find(([text]) => query.includes(text)) ?? [];
      return Promise.resolve({ json: () => Promise.resolve(rows) });
    },
  } as unknown as ClickHouseClient;
}

/** Tables, and what was inserted. */
function tablesOf(onInsert: (table: string) => void = () => undefined) {
  const inserted: string[] = [];
  const tables: TableWriter = {
    insert(table) {
      inserted.push(table);
      onInsert(table);
      return Promise.resolve();
    },
  };
  return { tables, inserted };
}

const failureOf = (work: Promise<unknown>) => work.catch((error: unknown) => error);

describe('an undo that comes when another one is through', () => {
  it('does nothing, and asks for nothing, though another import of the project loads by now', async () => {
    for (const state of ['taken_back', 'withdrawn'] as const) {
      const imports = [importIn('an-import', 1, state), importIn('other', 2, 'loading')];
      const reader = readerOf({ 'FROM sojourn.imports FINAL': imports });
      const { tables, inserted } = tablesOf();
      const deps = { tables, reader, admin: reader };

      const taken = await takeBackSome(deps, LIFE as ImportPlan);

      expect(taken.isOver).to.equal(true);
      expect(inserted).to.deep.equal([]);
    }
  });
});

describe('a chunk of an import', () => {
  const [key, amount] = [
    rowKeyText({
      ...{ metric: 'sessions', granularity: 'hour', bucket: 3_600_000 },
      ...{ dimension: '', dimensionValue: '' },
    }),
    { value: ONE, count: 1 },
  ];
  const rows = new Map([[key, amount]]);
  const decision = { sessionId: 's-1', fate: 'load' as Fate, insteadOf: [] };
  const chunk = { number: 1, noted: [decision], notes: ONE_ROW };
  const notedRow = (counted: string) => ({
    ...{ metric: 'sessions', granularity: 'hour', at: 3_600, dimension: '', dimensionValue: '' },
    ...{ amount: '1', counted },
  });

  /** What there is of notes: those of before, and those that came of an insert. */
  async function settled(before: { sessions?: object[]; rows?: object[] }, letIn: boolean) {
    const answers: Record<string, object[]> = {
      import_sessions: before.sessions ?? [],
      import_rows: before.rows ?? [],
    };
    const { tables, inserted } = tablesOf((table) => {
      if (!letIn) return;
      if (table === 'import_sessions_inbox') answers['import_sessions'] = [decision];
      else answers['import_rows'] = [notedRow('1')];
    });
    const settling = settleNotes({ tables, reader: readerOf(answers) }, LIFE, chunk, rows);
    return { inserted, outcome: await failureOf(settling) };
  }

  it('is loaded with the rows that are noted, whoever has noted them', async () => {
    const own = await settled({}, true);
    expect(own.inserted).to.deep.equal(['import_sessions_inbox', 'import_rows_inbox']);
    expect(own.outcome).to.deep.equal(rows);

    const others = await settled({ sessions: [decision], rows: [notedRow('2')] }, true);
    expect(others.inserted).to.deep.equal([]);
    expect(others.outcome).to.deep.equal(new Map([[key, { value: ONE, count: 2 }]]));
  });

  it('is not loaded where ClickHouse lets its notes go', async () => {
    for (const before of [{}, { sessions: [decision] }]) {
      const { outcome } = await settled(before, false);
      expect(outcome).to.include({ code: 'SJ_USAGE' });
      expect(String(outcome)).to.contain('taken back');
    }
  });

  it('is worked out anew where another process has decided otherwise', async () => {
    for (const other of [
      { ...decision, fate: 'leave' },
      { ...decision, insteadOf: ['another'] },
    ]) {
      const { outcome } = await settled({ sessions: [other] }, true);
      expect(outcome).to.be.instanceOf(NotedOtherwiseError);
    }
  });
});

describe('events of an import that are published', () => {
  it('are so for some seconds after ClickHouse has said that the import goes on', async () => {
    let at = 1_000_000;
    let loaded = '3';
    const place = { log: 'bulk/import/an-import/1' };
    const answers = { loaded_ranges: [{ ...place, loaded: '' }] };
    const ask = readerOf(answers);
    let asked = 0;
    const query = (question: never) => {
      asked += 1;
      answers.loaded_ranges = [{ ...place, loaded }];
      return ask.query(question);
    };
    const reader = { query } as unknown as ClickHouseClient;
    const stillLoading = createStillLoading(reader, LIFE, () => at);

    for (const ms of [0, 2_000, 3_000]) {
      at += ms;
      await stillLoading();
    }
    expect(asked).to.equal(1);
    // It stood still, and the import was taken back.
    at += 3_600_000;
    loaded = String(Number.MAX_SAFE_INTEGER);

    const error = await failureOf(stillLoading());

    expect(error).to.include({ code: 'SJ_USAGE' });
    expect(asked).to.equal(2);
    // The clock was put back.
    at -= 86_400_000;
    expect(await failureOf(stillLoading())).to.include({ code: 'SJ_USAGE' });
  });
});
