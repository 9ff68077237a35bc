/** Pages of what a session's events have added: by whatever definitions it goes when it is asked. */
import { expect } from 'chai';
import { createEventRows } from '../../activities/event-rows.ts';
import type { AnyBatch } from '../../shared/batch.ts';
import { foldAgain } from '../../shared/exclusion.ts';

const AT = Date.UTC(2026, 4, 5, 12);
/** More rows than a page has. */
const EVENTS = 1_200;

const batches: AnyBatch[] = [
  {
    events: Array.from({ length: EVENTS }, (_, n) => ({
      id: `e${n}`,
      seq: n + 1,
      type: 'pageview' as const,
      at: AT + n,
      path: `/${n}`,
      bot: 'true',
    })),
    ackFloor: 0,
    sentAt: AT,
  },
];
const told = { toldUpTo: () => Promise.resolve({ batches, isFromTheFirst: true }) };

describe('rows that a session has counted', () => {
  it('are by its definitions of now, whatever was remembered by those of before', async () => {
    const requestBy = (catalogue: number) => ({
      ...{ project: 'shop', sessionId: 's', identity: 'run', catalogue, isBounded: true },
      turning: {
        ...{ runId: 'run', batches: 1 },
        proof: foldAgain(batches, { catalogue, isBounded: true }).proof,
      },
    });
    const reader = createEventRows(told);
    const first = await reader.read(requestBy(1), 1);
    // Its last page is read elsewhere, so the rows stay remembered; then it goes over to version 3.

    const later = await reader.read(requestBy(3), 1);

    expect(first).to.include({ isLast: false });
    expect(later).to.deep.equal(await createEventRows(told).read(requestBy(3), 1));
    expect(later).to.not.deep.equal(first);
  });
});
