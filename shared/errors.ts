/**
 * Every error that Sojourn itself raises, with a stable code. `docs/errors.md` has a row for each
 * code: what it means, what the system did, what to do. A test keeps both lists equal.
 */

export const ERROR_CODES = {
  SJ_CONFIG: 'a setting is missing or wrong',
  SJ_USAGE: 'a command was called in a wrong way',
  SJ_EVENT_INVALID: 'a message breaks a rule of the event format',
  SJ_SERVER_START: 'an embedded server could not be obtained or started',
  SJ_SERVER_UNREACHABLE: 'a server does not answer',
  SJ_MIGRATION: 'the schema could not be brought up to date',
  SJ_INTAKE_MISSING: 'the view that passes metrics on to their table is not there',
  SJ_ROLLUP_INVALID: 'a record of the rollup log cannot be read',
  SJ_NOT_FOUND: 'what was asked for does not exist',
  SJ_NOT_EXACT: 'what a session has counted cannot be told exactly any more',
  SJ_STOOD_STILL: 'this process stood still, and others have gone on meanwhile',
  SJ_TIMEOUT: 'something did not happen in the time given',
  SJ_DRIFT: 'the tables sessions and metrics say different things',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Base of all errors of this project. `message` is one sentence for a person. */
export class SojournError extends Error {
  override readonly name: string = 'SojournError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Whatever was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
