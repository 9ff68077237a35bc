/** Sessions of an import against those of a load in bulk, which go by the live session's own steps: equal rows. */
import { expect } from 'chai';
import fc from 'fast-check';
import { foldSession, settleSession } from '../../bulk/whole-session.ts';
import { createRowSumsOf } from '../../imports/row-sums.ts';
import { addWhole, foldWhole } from '../../imports/whole-rows.ts';
import { subtractAll } from '../../shared/contributions.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import { sumRollups } from '../../shared/rollup.ts';
import { cases } from '../support/depth.ts';
import { manyPaths, sessionEvents } from '../support/generators.ts';

const OPTIONS = { project: 'shop', load: 'a-load', idleTimeoutMs: 30 * 60_000 };

function compare(events: readonly VisitorEvent[], isNew: boolean): void {
  const session = { project: 'shop', sessionId: 's-1', events };
  const folded = foldSession(session, OPTIONS);
  const userId = folded.visit?.userId;
  const user = userId === undefined ? undefined : { userId, isNew };
  const records = settleSession(folded, user);
  const expected = sumRollups(records);

  const sums = createRowSumsOf();
  const fold = foldWhole(sums, 's-1', events, OPTIONS);
  const record = addWhole(sums, fold, user, OPTIONS);

  expect(fold.visit).to.deep.equal(folded.visit);
  expect(fold.endsAt).to.equal(folded.endsAt);
  expect(sums.sums()).to.deep.equal(expected.metrics.get('shop') ?? new Map());
  // How many records it took live is not told of it.
  expect([{ ...record, writeNo: records.length }]).to.deep.equal(expected.sessions);
}

describe('whole sessions of an import', function () {
  this.timeout(60_000);

  it('add what sessions add by their own steps', () => {
    fc.assert(
      fc.property(sessionEvents(), fc.boolean(), (events, isNew) => {
        fc.pre(events.length > 0);
        compare(events, isNew);
      }),
      { numRuns: cases(2_000) },
    );
  });

  it('add the same where one record does not take it', () => {
    compare(manyPaths(3_000), true);
  });

  it('are nothing once they are taken away again', () => {
    fc.assert(
      fc.property(sessionEvents(), sessionEvents(), (one, other) => {
        fc.pre(one.length > 0 && other.length > 0);
        const rowsOf = (...sessions: (readonly VisitorEvent[])[]) => {
          const sums = createRowSumsOf();
          for (const events of sessions) {
            const fold = foldWhole(sums, 's-1', events, OPTIONS);
            const user = fold.visit && { userId: fold.visit.userId, isNew: true };
            addWhole(sums, fold, user, OPTIONS);
          }
          return sums.sums();
        };
        const rows = rowsOf(one, other);
        subtractAll(rows, rowsOf(one));

        expect(rows).to.deep.equal(rowsOf(other));
      }),
      { numRuns: 300 },
    );
  });
});
