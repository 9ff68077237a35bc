/** Running other people's commands: quietly, with a time limit, and with their words on failure. */
import { execFile, type ExecFileOptions } from 'node:child_process';

export type Env = Readonly<Record<string, string | undefined>>;

export interface RunOptions {
  /** The whole environment. @default that of this process */
  readonly env?: Env | undefined;
  /** @default 10 s */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const QUOTED_LINES_MAX = 4;

/** What the command printed; an error says with its last lines why it failed. */
export function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const settings: ExecFileOptions & { encoding: 'utf8' } = {
    encoding: 'utf8',
    timeout: options.timeoutMs ?? TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_BYTES_MAX,
    ...(options.env === undefined ? {} : { env: options.env }),
  };
  return new Promise((resolve, reject) => {
    const child = execFile(file, [...args], settings, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
        return;
      }
      const said = (stderr.trim() || stdout.trim())
        .split('\n')
        .slice(-QUOTED_LINES_MAX)
        .join(' | ');
      reject(new Error(failure(file, error, said), { cause: error }));
    });
    child.stdin?.end();
  });
}

/** The same, with undefined for every failure. */
export async function runs(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string | undefined> {
  try {
    return await run(file, args, options);
  } catch {
    return undefined;
  }
}

function failure(
  file: string,
  error: Error & { code?: unknown; killed?: boolean },
  said: string,
): string {
  if (error.code === 'ENOENT') return `there is no command ${file}`;
  if (error.killed === true) return `${file} took too long`;
  return said === '' ? `${file} failed (${String(error.code)})` : `${file}: ${said}`;
}
