/** Options that several commands share, and how their values are read. */
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import {
  type Config,
  type ConfigName,
  loadConfig,
  parseDuration,
  processEnvironment,
  requireServers,
  withEnvFile,
} from '../platform/config.ts';
import { createLog, type Logger, silentLog } from '../platform/log.ts';
import { PROJECT_PATTERN } from '../shared/ids.ts';

export const dataDirOption = () =>
  new Option('--data-dir <dir>', 'the folder of `sojourn up` whose servers are meant').default(
    '.sojourn',
  );

export const jsonOption = () => new Option('--json', 'print JSON');

export const PROJECT_DESCRIPTION = 'the tenant: 1 to 64 characters a-z, 0-9, _ or -';

/** @throws InvalidArgumentError which commander reports as wrong usage */
export function projectArgument(text: string): string {
  if (!PROJECT_PATTERN.test(text)) {
    throw new InvalidArgumentError('A project is 1 to 64 characters a-z, 0-9, _ or -.');
  }
  return text;
}

/** @throws InvalidArgumentError on anything but a whole number of at least 1 */
export function countArgument(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count) || count < 1) {
    throw new InvalidArgumentError('It must be a whole number of at least 1.');
  }
  return count;
}

/** @throws InvalidArgumentError on anything but a number above 0 */
export function rateArgument(text: string): number {
  const rate = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || rate <= 0) {
    throw new InvalidArgumentError('It must be a number above 0.');
  }
  return rate;
}

/** @throws InvalidArgumentError on anything but a duration */
export function durationArgument(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) {
    throw new InvalidArgumentError('A duration is for example 60s, 5m or 500ms.');
  }
  return ms;
}

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

/** A command talks to a person: its clients' log lines are for who looks into it. */
export function commandLog({ LOG_LEVEL: level }: Config): Logger {
  return level === 'debug' || level === 'trace' ? createLog({ level }) : silentLog;
}
