/** `/healthz`, `/readyz` and `/metrics` of a process, where somebody wants them. */
import type { Work } from '../health/readiness.ts';
import type { Health } from '../health/run.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/log.ts';
import type { Closers } from '../platform/shutdown.ts';

/**
 * Its code is loaded only then.
 * @param port nothing is served without one: several processes share a machine
 */
export async function openHealth(
  config: Config,
  log: Logger,
  closers: Closers,
  { port, roles }: { readonly port: number | undefined; readonly roles: Work },
): Promise<Health | undefined> {
  if (port === undefined) return undefined;
  const { runHealth } = await import('../health/run.ts');
  const health = await runHealth(config, log, { port, roles });
  closers.add('health', () => health.close());
  return health;
}
