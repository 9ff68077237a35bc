/**
 * One write of a session: look up its user, work out what it owes, hand it over, and say what stands
 * in the log now. Each part may be repeated. Where the user cannot be looked up, and the session can make up for
 * that later, the rest is written.
 */
import {
  type AnyRequest,
  askedOf,
  rollupFor,
  writeResult,
  type WriteResult,
} from '../shared/write.ts';
import type { Rollup } from '../shared/rollup.ts';
import { recordRollup, type RollupLog } from './record-rollup.ts';
import type { Visitors } from './visitors.ts';

const nobody = () => Promise.resolve(undefined);

/** @param supersededBy a run that made this write before, and ended: the log may not know of it any more */
export async function writeDifference(
  visitors: Visitors,
  log: RollupLog,
  request: AnyRequest,
  supersededBy: (rollup: Rollup) => Promise<WriteResult | undefined> = nobody,
): Promise<WriteResult> {
  const { userId, mayWait, ...asked } = askedOf(request);
  const { visitorsSince: since } = request;
  const visit = { ...asked, ...(since !== undefined && { since }) };
  const user =
    userId === undefined
      ? undefined
      : (request.user ??
        (mayWait
          ? await visitors.recognizeNow({ ...visit, userId })
          : await visitors.recognize({ ...visit, userId })));
  const rollup = rollupFor(request, user);
  const traces = 'version' in request ? request.traces : undefined;
  return (await supersededBy(rollup)) ?? writeResult(await recordRollup(log, rollup, traces));
}
