/** Connections of commands: a server that is away is one sentence that says what to do. */
import type { Config } from '../platform/config.ts';
import { connectNats, type Nats } from '../platform/nats.ts';
import { connectTemporal } from '../platform/temporal.ts';
import { SojournError, toError } from '../shared/errors.ts';
import { commandLog } from './command-config.ts';

/** Runs with a NATS connection and closes it. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function withNats<T>(
  config: Config & { readonly NATS_URL: string },
  run: (nats: Nats) => Promise<T>,
): Promise<T> {
  const nats = await connectNats(config, 'sojourn command', commandLog(config)).catch(
    (error: unknown) => {
      throw unreachable('NATS', withoutCredentials(config.NATS_URL), error);
    },
  );
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
  const temporal = await connectTemporal(config).catch((error: unknown) => {
    throw unreachable('Temporal', config.TEMPORAL_ADDRESS, error);
  });
  try {
    return await run(temporal);
  } finally {
    await temporal.connection.close();
  }
}

function unreachable(name: string, address: string, error: unknown): SojournError {
  return new SojournError(
    'SJ_SERVER_UNREACHABLE',
    `${name} does not answer at ${address} (${reasonOf(error)}); is it running? \`npx sojourn up\` starts everything here`,
    { cause: error },
  );
}

/** Why a server could not be reached, in a few words. */
export function reasonOf(thrown: unknown): string {
  const error = toError(thrown);
  const { code } = error as NodeJS.ErrnoException;
  const [inner] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  if (inner !== undefined) return reasonOf(inner);
  const message = error.message === '' ? (code ?? error.name) : error.message;
  return withoutCredentials(message.split('\n', 1)[0] ?? message);
}

/** URLs without user and password. */
export function withoutCredentials(text: string): string {
  return text.replace(/:\/\/[^\s/@]*@/g, '://');
}
