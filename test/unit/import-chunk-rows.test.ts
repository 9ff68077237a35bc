/** Rows that are made as bytes are those that the product makes of records elsewhere. */
import { expect } from 'chai';
import fc from 'fast-check';
import { sessionTableRow } from '../../activities/load-batch.ts';
import { noteRows, sessionRows } from '../../imports/chunk-rows.ts';
import { RowBytes } from '../../platform/row-bytes.ts';
import { formatDecimal } from '../../shared/decimal.ts';
import type { SessionRow } from '../../shared/rollup.ts';
import { aRollup, aSessionRow } from '../support/builders.ts';
import { readRows } from '../support/row-binary.ts';

const FENCE = { partition: 0, log: 'bulk/import/an-import/1', range_from: 7 };
const PLACE = { fence: FENCE, import: 'an-import', life: 1, chunk: 7, project: 'shop' };
const AWKWARD = 'a "path"\n\u2028\\ with 漢字';

const text = () => fc.string({ unit: 'grapheme', maxLength: 300 });
const amount = () => fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(formatDecimal);
const moment = () => fc.integer({ min: 0, max: Date.UTC(2100, 0) });
const whole = () => fc.nat({ max: Number.MAX_SAFE_INTEGER });

/** Sessions with anything in them that a session may have. */
const session: fc.Arbitrary<SessionRow> = fc
  .record(
    {
      ...{ firstEventAt: moment(), lastEventAt: moment(), updatedAt: moment() },
      ...{ durationMs: whole(), pageViews: whole(), events: whole(), conversions: fc.nat() },
      ...{ engaged: fc.boolean(), bounced: fc.boolean(), newUser: fc.boolean() },
      ...{ entryPath: text(), exitPath: text(), revenue: amount() },
      revenueByCurrency: fc.dictionary(fc.constantFrom('', 'EUR', 'JPY'), amount()),
      excluded: fc.constant(true as const),
      catalogue: fc.integer({ min: 1, max: 255 }),
      endReason: fc.constantFrom('session_end' as const, 'idle' as const),
      status: fc.constant('ended' as const),
      attributes: fc.record(
        {
          ...{ userId: text(), country: text(), trafficSource: text(), deviceType: text() },
          ...{ visitorId: text(), channel: text(), term: text(), content: text(), os: text() },
          ...{ referrerHost: text(), screen: text(), appVersion: text(), bot: fc.constant('true') },
          ...{ 'dim:plan': text(), 'dim:': text(), browser: text(), language: text() },
          ...{ medium: text(), campaign: text() },
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  )
  .map((fields) => aSessionRow(fields));

describe('rows of a chunk of an import, made as bytes', () => {
  it('are those of the table sessions, behind the fence of the chunk', () => {
    fc.assert(
      fc.property(fc.array(session, { minLength: 1, maxLength: 5 }), (sessions) => {
        const records = sessions.map((row, n) => aRollup({ sessionId: `s-${n}`, session: row }));
        const rows = sessionRows(FENCE);
        for (const record of records) rows.add(record);

        expect(readRows('sessions_inbox', rows.end())).to.deep.equal(
          records.map((record) => ({ ...FENCE, ...sessionTableRow(record) })),
        );
      }),
    );
  });

  it('have the columns of that table in its order', () => {
    const rows = sessionRows(FENCE);
    rows.add(aRollup({}));
    const columns = Object.keys({ ...FENCE, ...sessionTableRow(aRollup({})) });

    expect(rows.end().columns).to.deep.equal(columns);
  });

  it('are what was decided about each session, those of others behind those of a thread', () => {
    const folded = noteRows(PLACE);
    const loaded = { sessionId: AWKWARD, fate: 'replace', insteadOf: ['run-0', 'run-00'] } as const;
    const events = JSON.stringify([AWKWARD.repeat(9_000)]);
    const bytes = Buffer.from(events);
    folded.add({ decision: loaded, identity: 'run-1', newUser: true, events: bytes });
    const all = noteRows(PLACE);
    const given = folded.end();
    all.addAll(RowBytes.of(structuredClone(given, { transfer: given.buffers })));
    const left = { sessionId: 's-2', fate: 'leave', insteadOf: [] } as const;
    all.add({ decision: left, identity: '', events: Buffer.alloc(0) });
    const { fence, ...place } = PLACE;

    expect(readRows('import_sessions_inbox', all.end())).to.deep.equal([
      {
        ...{ ...fence, ...place, session_id: AWKWARD, first_run_id: 'run-1', fate: 'replace' },
        ...{ instead_of: ['run-0', 'run-00'], new_user: true, events },
      },
      {
        ...{ ...fence, ...place, session_id: 's-2', first_run_id: '', fate: 'leave' },
        ...{ instead_of: [], new_user: null, events: '' },
      },
    ]);
  });
});
