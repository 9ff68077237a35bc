/** Nothing is taken of a project that has used up its quota of the day: its trackers are told to come again. */
import type { Quotas } from '../platform/quotas.ts';
import { NotNowError } from './outlet.ts';

/** Throws {@link OverQuotaError} where nothing more is taken of a project. */
export type CheckQuota = (project: string) => void;

/** A quota may be raised before the day is over. */
const RETRY_AFTER_SECONDS_MAX = 3_600;

export class OverQuotaError extends NotNowError {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('quota', 'the project has had its quota of today (UTC)');
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export function createCheckQuota(
  quotas: Pick<Quotas, 'spentUntil'>,
  now: () => number,
): CheckQuota {
  return (project) => {
    const until = quotas.spentUntil(project);
    if (until === undefined) return;
    const seconds = Math.max(1, Math.ceil((until - now()) / 1_000));
    throw new OverQuotaError(Math.min(seconds, RETRY_AFTER_SECONDS_MAX));
  };
}
