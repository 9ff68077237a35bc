/**
 * One logger for a process: pino JSON lines on standard error, pretty on a terminal. Messages are
 * static and lower case; what varies is a field. Secrets are never fields, and errors lose those that a client put into them.
 */
import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import { pino, type Logger } from 'pino';
import { masked } from './secrets.ts';

export type { Logger } from 'pino';

export interface LogOptions {
  readonly level: string;
  /** Human-readable lines instead of JSON. @default standard error is a terminal */
  readonly pretty?: boolean;
  /** Where pretty lines go, a whole one at a time. @default standard error */
  readonly write?: (lines: string) => void;
}

/** Makes the process's logger. Throws nothing; an unknown level is a configuration error found earlier. */
export function createLog({ level, pretty = process.stderr.isTTY, write }: LogOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: (error: Error) => masked(pino.stdSerializers.err(error)) },
  };
  if (!pretty) return pino(options, pino.destination({ fd: 2, sync: true }));
  const prettyStream = createRequire(import.meta.url)('pino-pretty') as (o: object) => never;
  const destination = write === undefined ? 2 : writableOf(write);
  return pino(options, prettyStream({ destination, sync: true, ignore: 'pid,hostname' }));
}

function writableOf(write: (lines: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      write(chunk.toString());
      done();
    },
  });
}

/** A logger that says nothing, for code that is run quietly. */
export const silentLog: Logger = pino({ level: 'silent' });
