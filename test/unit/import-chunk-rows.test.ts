/** Rows that are made as text are those that the product makes of records elsewhere. */
import { expect } from 'chai';
import { sessionTableRow } from '../../activities/load-batch.ts';
import { noteLines, sessionLines } from '../../imports/chunk-rows.ts';
import { RowText, stringifyRows } from '../../platform/row-text.ts';
import { aRollup, aSessionRow } from '../support/builders.ts';

const FENCE = { partition: 0, log: 'bulk/import/an-import/1', range_from: 7 };
const PLACE = { fence: FENCE, import: 'an-import', life: 1, chunk: 7, project: 'shop' };
/** A line break within a row would be the end of it. */
const AWKWARD = 'a "path"\n\u2028\\ with 漢字';

/** Rows as the server reads them: by the names of their columns. */
function read({ columns, text }: RowText): Record<string, unknown>[] {
  return text.split('\n').map((line) => {
    const values = JSON.parse(line) as readonly unknown[];
    expect(values).to.have.lengthOf(columns.length);
    return Object.fromEntries(columns.map((column, n) => [column, values[n]]));
  });
}

describe('rows of a chunk of an import, made as text', () => {
  it('are those of the table sessions, behind the fence of the chunk', () => {
    const records = [
      aRollup({ session: aSessionRow({ entryPath: AWKWARD }) }),
      aRollup({ sessionId: 's-2', identity: 'run-2' }),
    ];
    const lines = sessionLines(FENCE);
    for (const record of records) lines.add(record);
    const rows = lines.text();

    expect(rows.length).to.equal(2);
    expect(read(rows)).to.deep.equal(
      records.map((record) => ({ ...FENCE, ...sessionTableRow(record) })),
    );
  });

  it('are what was decided about each session, those of others behind those of a thread', () => {
    const folded = noteLines(PLACE);
    const loaded = { sessionId: AWKWARD, fate: 'replace', insteadOf: ['run-0'] } as const;
    folded.add({ decision: loaded, identity: 'run-1', newUser: true, events: `["${AWKWARD}"]` });
    const all = noteLines(PLACE);
    all.addAll(RowText.of(structuredClone(folded.text())));
    const left = { sessionId: 's-2', fate: 'leave', insteadOf: [] } as const;
    all.add({ decision: left, identity: '', events: '' });
    const { fence, ...place } = PLACE;

    expect(all.text().length).to.equal(2);
    expect(read(all.text())).to.deep.equal([
      {
        ...{ ...fence, ...place, session_id: AWKWARD, first_run_id: 'run-1', fate: 'replace' },
        ...{ instead_of: ['run-0'], new_user: true, events: `["${AWKWARD}"]` },
      },
      {
        ...{ ...fence, ...place, session_id: 's-2', first_run_id: '', fate: 'leave' },
        ...{ instead_of: [], new_user: null, events: '' },
      },
    ]);
  });

  it('go to the server as they are, and other rows as JSON', () => {
    const rows = new RowText(['n'], '[1]\n[2]', 2);

    expect([rows, [3]].map(stringifyRows)).to.deep.equal(['[1]\n[2]', '[3]']);
  });
});
