/**
 * What is deleted by the clock does not come back: a machine whose clock is wrong for a while, as some are at their start,
 * must delete nothing.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { select } from '../platform/clickhouse.ts';
import { SojournError } from '../shared/errors.ts';

const DAY_MS = 86_400_000;
const STEP_MS = 60_000;

/**
 * @param now by this machine's clock, epoch milliseconds
 * @throws SojournError `SJ_CONFIG` where ClickHouse's is a day apart
 */
export async function expectRightClock(admin: ClickHouseClient, now: number): Promise<void> {
  const [row] = await select<{ now: string }>(
    admin,
    'SELECT toString(toUnixTimestamp64Milli(now64(3))) AS now',
  );
  const other = Number(row?.now);
  if (Math.abs(now - other) < DAY_MS) return;
  throw new SojournError(
    'SJ_CONFIG',
    `this machine's clock says ${textOf(now)}, ClickHouse's ${textOf(other)}: nothing is deleted before they agree`,
  );
}

/** Whether a clock went on without a step, by how far it is from one that knows none: both in milliseconds. */
export function createSteps(wall: () => number, steady: () => number): { hasStepped(): boolean } {
  let apart = wall() - steady();
  return {
    /** Since it was asked last. */
    hasStepped() {
      const before = apart;
      apart = wall() - steady();
      return Math.abs(apart - before) > STEP_MS;
    },
  };
}

function textOf(at: number): string {
  return new Date(at).toISOString();
}
