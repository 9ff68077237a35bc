/** The rule of who may look without a password. */
import type { Config } from '../platform/config.ts';
import { SojournError } from '../shared/errors.ts';
import { isLoopback, isLocalUrl } from './hosts.ts';

/** @throws SojournError `SJ_CONFIG` where others could reach the page and there is no password */
export function checkPassword({
  DASHBOARD_HOST,
  DASHBOARD_PASSWORD,
  DASHBOARD_URL,
}: Pick<Config, 'DASHBOARD_HOST' | 'DASHBOARD_PASSWORD' | 'DASHBOARD_URL'>): void {
  if (DASHBOARD_PASSWORD !== undefined) return;
  if (DASHBOARD_URL !== undefined && !isLocalUrl(DASHBOARD_URL)) {
    throw new SojournError(
      'SJ_CONFIG',
      'DASHBOARD_URL is an address that others can reach: set DASHBOARD_PASSWORD too',
    );
  }
  if (isLoopback(DASHBOARD_HOST)) return;
  throw new SojournError(
    'SJ_CONFIG',
    `DASHBOARD_HOST is ${DASHBOARD_HOST}, which others can reach: set DASHBOARD_PASSWORD too`,
  );
}
