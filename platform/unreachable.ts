/** A server that does not answer, in one sentence that says which, where, why, and what to do. */
import { SojournError, toError } from '../shared/errors.ts';
import { withoutCredentials } from './secrets.ts';

/** For `catch`: what connecting threw becomes an `SJ_SERVER_UNREACHABLE`, with that as its cause. */
export function unreachable(name: string, address: string): (error: unknown) => never {
  return (error) => {
    throw new SojournError(
      'SJ_SERVER_UNREACHABLE',
      `${name} does not answer at ${withoutCredentials(address)} (${reasonOf(error)}); is it running? \`npx sojourn up\` starts everything here`,
      { cause: error },
    );
  };
}

/** Why a server could not be reached, in a few words. */
export function reasonOf(thrown: unknown): string {
  const error = toError(thrown);
  if (error instanceof SojournError && error.cause !== undefined) return reasonOf(error.cause);
  const { code } = error as NodeJS.ErrnoException;
  const [inner] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  if (inner !== undefined) return reasonOf(inner);
  const message = error.message === '' ? (code ?? error.name) : error.message;
  return withoutCredentials(message.split('\n', 1)[0] ?? message);
}
