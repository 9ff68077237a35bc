import type { ClickHouseClient } from '@clickhouse/client';
import { expect } from 'chai';
import { createTableWriter } from '../../platform/table-writer.ts';
import type { WriterTable } from '../../platform/writer-rights.ts';
import { SojournError } from '../../shared/errors.ts';

/** A ClickHouse whose view is there or not, at each statement anew. */
function aClickHouse(views: readonly boolean[], { letsGo = false, saysHowMany = true } = {}) {
  const statements: string[] = [];
  let passedOn = 0;
  const isThere = () => views[statements.length - 1] ?? true;
  const client = {
    insert: ({ table, values }: { table: string; values: readonly unknown[] }) => {
      statements.push(`insert ${table}`);
      const further = table === 'sojourn.metrics_inbox' && isThere() && !letsGo;
      if (further) passedOn += 1;
      const written_rows = String(values.length * (further ? 2 : 1));
      return Promise.resolve(saysHowMany ? { summary: { written_rows } } : {});
    },
    query: () => {
      statements.push('exists');
      return Promise.resolve({ json: () => Promise.resolve([{ result: isThere() ? 1 : 0 }]) });
    },
  };
  const writer = createTableWriter(client as unknown as ClickHouseClient);
  return {
    insert: (table: WriterTable) => writer.insert(table, [{ n: 1 }, { n: 2 }], 'token'),
    statements,
    passedOn: () => passedOn,
  };
}

const INSERT = 'insert sojourn.metrics_inbox';

describe('an insert into the way to the metrics', () => {
  it('is one statement where the rows have gone further', async () => {
    const { insert, statements } = aClickHouse([]);

    await insert('metrics_inbox');

    expect(statements).to.deep.equal([INSERT]);
  });

  it('fails where the view is not there, and says what to do', async () => {
    const { insert } = aClickHouse([false, false]);

    const error = await insert('metrics_inbox').catch((thrown: unknown) => thrown);

    expect(error).to.be.instanceOf(SojournError).with.property('code', 'SJ_INTAKE_MISSING');
    expect((error as Error).message)
      .to.contain('metrics_intake')
      .and.contain('migrate');
  });

  it('is repeated where the view has come back meanwhile', async () => {
    const { insert, statements, passedOn } = aClickHouse([false, true, true]);

    await insert('metrics_inbox');

    expect(statements).to.deep.equal([INSERT, 'exists', INSERT]);
    expect(passedOn()).to.equal(1);
  });

  it('fails where the view goes again before the repetition', async () => {
    const { insert } = aClickHouse([false, true, false, false]);

    const error = await insert('metrics_inbox').catch((thrown: unknown) => thrown);

    expect(error).to.have.property('code', 'SJ_INTAKE_MISSING');
  });

  it('is done where the view lets go of what is loaded already', async () => {
    const { insert, statements } = aClickHouse([], { letsGo: true });

    await insert('metrics_inbox');

    expect(statements).to.deep.equal([INSERT, 'exists', INSERT, 'exists']);
  });

  it('is repeated, and no more than that, where the server does not say how many rows it has written', async () => {
    const { insert, statements } = aClickHouse([], { saysHowMany: false });

    await insert('metrics_inbox');

    expect(statements).to.deep.equal([INSERT, 'exists', INSERT, 'exists']);
  });

  it('is nobody else’s business', async () => {
    const { insert, statements } = aClickHouse([false]);

    await insert('sessions');

    expect(statements).to.deep.equal(['insert sojourn.sessions']);
  });
});
