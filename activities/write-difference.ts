/**
 * One write of a session: look up its user, work out what it owes, hand it over, and say what stands
 * in the log now. Each part may be repeated.
 */
import {
  type AnyRequest,
  askedOf,
  rollupFor,
  writeResult,
  type WriteResult,
} from '../shared/write.ts';
import { recognizeVisitor, type VisitorStore } from './recognize-visitor.ts';
import { recordRollup, type RollupLog } from './record-rollup.ts';

export async function writeDifference(
  visitors: VisitorStore,
  log: RollupLog,
  request: AnyRequest,
): Promise<WriteResult> {
  const { userId, ...asked } = askedOf(request);
  const { visitorsSince: since } = request;
  const visit = { ...asked, ...(since !== undefined && { since }) };
  const user =
    userId === undefined
      ? undefined
      : (request.user ?? (await recognizeVisitor(visitors, { ...visit, userId })));
  return writeResult(await recordRollup(log, rollupFor(request, user)));
}
