/** The configuration of a command. */
import {
  type Config,
  type ConfigName,
  loadConfig,
  processEnvironment,
  requireServers,
  withEnvFile,
} from '../platform/config.ts';

/**
 * The configuration of a command: the environment, and what `up` noted in the data directory.
 * @param names servers without which the command cannot work
 * @throws SojournError `SJ_CONFIG`
 */
export function commandConfig<N extends ConfigName>(
  { dataDir }: { readonly dataDir: string },
  names: readonly N[],
): Config & { readonly [K in N]-?: NonNullable<Config[K]> } {
  return requireServers(loadConfig(withEnvFile(processEnvironment(), dataDir)), names);
}
