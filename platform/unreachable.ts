/** A server that does not answer, in one sentence that says which, where, why, and what to do. */
import { SojournError, toError } from '../shared/errors.ts';
import {
  ConnectionFaultError,
  type FaultKind,
  faultKindOf,
  type ServerKind,
} from './connection-fault.ts';
import { publicAddress, withoutCredentials } from './secrets.ts';
import { type Probe, probeTls, withOwnDates } from './tls-probe.ts';

/**
 * For `catch`: what connecting threw becomes an `SJ_SERVER_UNREACHABLE`, with that as its cause.
 * @param address one, or several separated by commas
 * @param probe what to look with where the client's error does not tell; absent: nobody looks
 */
export function unreachable(
  server: ServerKind,
  address: string,
  probe?: Probe,
): (error: unknown) => Promise<never> {
  return async (error) => {
    const fault = await connectionFault(server, address, error, probe);
    if (fault !== undefined) throw fault;
    const [place, reason] = [publicAddress(address), reasonOf(error)];
    const sentence = LATE.test(toError(error).message)
      ? `${server} at ${place}: ${reason}; try again`
      : `${server} does not answer at ${place} (${reason}); is it running? \`npx sojourn up\` starts everything here`;
    throw new SojournError('SJ_SERVER_UNREACHABLE', sentence, { cause: error });
  };
}

/** What is wrong with TLS or the login; undefined where it is something else. */
export async function connectionFault(
  server: ServerKind,
  address: string,
  error: unknown,
  probe?: Probe,
): Promise<ConnectionFaultError | undefined> {
  if (error instanceof ConnectionFaultError) return error;
  const kind = faultKindOf(error) ?? (probe && (await probeAll(address, probe)));
  if (kind === undefined) return undefined;
  const told = probe === undefined ? kind : withOwnDates(kind, probe);
  return new ConnectionFaultError(server, address, told, error);
}

async function probeAll(address: string, probe: Probe): Promise<FaultKind | undefined> {
  // A comma that no address follows is part of a password.
  const addresses = address.split(/,(?=\s*\w+:\/\/)/);
  const kinds = await Promise.all(addresses.map((one) => probeTls(one.trim(), probe)));
  return kinds.find((kind) => kind !== undefined);
}

/** NATS waits 2 s for a login, of whoever is too busy to send it in time too. It has refused nothing. */
const LATE = /authentication timeout/i;
const TOO_LATE =
  'it did not get the login in time and hung up, since it or this machine is too busy; the login was not refused';

/** Why a server could not be reached, in a few words. */
export function reasonOf(thrown: unknown): string {
  const error = toError(thrown);
  if (error instanceof ConnectionFaultError) return error.message;
  if (error instanceof SojournError && error.cause !== undefined) return reasonOf(error.cause);
  // The Temporal client names what it was at, and wraps what was said to it.
  if (error.name === 'ServiceError' && error.cause instanceof Error)
    return saidByTemporal(error.cause);
  const { code } = error as NodeJS.ErrnoException;
  const [inner] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  if (inner !== undefined) return reasonOf(inner);
  if (LATE.test(error.message)) return TOO_LATE;
  const message = error.message === '' ? (code ?? error.name) : error.message;
  return withoutCredentials(message.split('\n', 1)[0] ?? message);
}

const DEADLINE_EXCEEDED = 4;

function saidByTemporal(error: Error): string {
  const { code, details } = error as Error & {
    readonly code?: unknown;
    readonly details?: unknown;
  };
  if (code === DEADLINE_EXCEEDED) return 'no answer in time';
  return reasonOf(typeof details === 'string' && details !== '' ? new Error(details) : error);
}
