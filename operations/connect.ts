/** Connections of what operators do, for as long as it takes. */
import type { Config } from '../platform/config.ts';
import { connectNats, type Nats } from '../platform/nats.ts';
import { connectTemporal, unlessRefused } from '../platform/temporal.ts';
import { createLog, type Logger, silentLog } from '../platform/log.ts';

/** Runs with a NATS connection and closes it. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function withNats<T>(
  config: Config & { readonly NATS_URL: string },
  run: (nats: Nats) => Promise<T>,
): Promise<T> {
  const nats = await connectNats(config, 'sojourn command', commandLog(config));
  try {
    return await run(nats);
  } finally {
    await nats.connection.close();
  }
}

export type Temporal = Awaited<ReturnType<typeof connectTemporal>>;

/** Runs with a Temporal connection and closes it. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function withTemporal<T>(
  config: Config & { readonly TEMPORAL_ADDRESS: string },
  run: (temporal: Temporal) => Promise<T>,
): Promise<T> {
  const temporal = await connectTemporal(config);
  try {
    // Some keys may read and not write.
    return await run(temporal).catch(unlessRefused(config));
  } finally {
    await temporal.connection.close();
  }
}

/** A person is talked to: clients' log lines are for who looks into it. */
export function commandLog({ LOG_LEVEL: level }: Config): Logger {
  return level === 'debug' || level === 'trace' ? createLog({ level }) : silentLog;
}
