/**
 * Runs a server as a child process that never outlives us and never dies before we say so.
 *
 *   this process ──stdin pipe──▶ guard (sh, own session) ──▶ server
 *        ▲                         └─ watcher: waits for the end of the pipe
 *        └──────pid pipe (fd 3)────┘
 *
 * - An own session: Ctrl-C on the terminal reaches us alone, and we drain before the servers stop.
 * - When this process dies in any way, SIGKILL included, the kernel closes the pipe; the watcher
 *   then ends the server with SIGTERM, and after 10 s with SIGKILL.
 * - The guard passes SIGTERM on and ends with the server's exit code; it takes its own process
 *   group with it, so that neither its helpers nor a child of the server stays behind.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { SojournError, toError } from '../shared/errors.ts';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface RunningServer {
  readonly name: string;
  /** The server itself, not its guard. */
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Ends the server in its own orderly way, after a deadline by force. Safe to call again. */
  stop(): Promise<void>;
  /** SIGKILL for the server itself, at once: what a crash test needs. */
  kill(): void;
}

export interface GuardedCommand {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly dataDir: string;
  /** The whole environment of the server. @default that of this process */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly log: Logger;
  /** How long an orderly stop may take. @default 15 s */
  readonly stopTimeoutMs?: number;
}

/** A server that was launched; whether it is ready to serve is another question (`untilReady`). */
export interface LaunchedServer extends RunningServer {
  /** What it has ended with, as long as that is known; undefined while it runs. */
  readonly exit: Exit | undefined;
  /** Set by `untilReady`: from then on an end that nobody asked for is worth an error in the log. */
  ready: boolean;
  /** The last lines it wrote since it was launched, for error messages. */
  lastLines(): string;
}

const STOP_TIMEOUT_MS = 15_000;
const READY_POLL_MS = 50;
/** The watcher of a crashed process needs 10 s at most to end a server by force. */
const PREDECESSOR_TIMEOUT_MS = 15_000;
const LOG_BYTES_MAX = 8 * 1024 * 1024;
const QUOTED_LINES_MAX = 12;

// POSIX sh. `wait` returns early when a trap ran (`again`), and gives 127 for a child it has already
// reported. The end kills the group: the watcher, its sleep, and what the server left behind.
const GUARD_SCRIPT = `
exec 4<&0
"$@" </dev/null 3>&- 4<&- &
server=$!
( exec 3>&-
  read -r _ <&4
  kill -TERM $server 2>/dev/null
  left=10
  while [ $left -gt 0 ] && kill -0 $server 2>/dev/null; do left=$((left - 1)); sleep 1; done
  kill -KILL $server 2>/dev/null ) &
watcher=$!
exec 4<&-
code=0
trap 'again=1; kill -TERM $server 2>/dev/null' TERM
trap '' INT HUP
echo $server >&3
exec 3>&-
again=1
while [ $again = 1 ]; do
  again=0
  wait $server
  status=$?
  [ $status = 127 ] && [ $code != 0 ] || code=$status
done
trap '' TERM
exec 2>/dev/null
kill -TERM 0
wait $watcher
exit $code
`;

/** Launches the command under a guard and returns once its process id is known. */
export async function launch(command: GuardedCommand): Promise<LaunchedServer> {
  const { name, dataDir, log, stopTimeoutMs = STOP_TIMEOUT_MS } = command;
  await untilPredecessorEnded(dataDir, name);
  const output = openLog(logFile(dataDir, name));
  const guard = spawn(
    '/bin/sh',
    ['-c', GUARD_SCRIPT, `sojourn-${name}`, command.file, ...command.args],
    {
      detached: true,
      stdio: ['pipe', output.fd, output.fd, 'pipe'],
      ...(command.env === undefined ? {} : { env: command.env }),
    },
  );
  closeSync(output.fd);
  // A write error on the life line says only that the guard has ended, which `exit` tells as well.
  guard.stdin?.on('error', () => undefined);

  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    guard.once('error', () => {
      resolve((exit ??= { code: 127, signal: null }));
    });
    guard.once('exit', (code, signal) => {
      resolve((exit ??= exitOf(code, signal)));
    });
  });
  const pid = await readPid(guard);
  const server = identify(pid);
  writeFileSync(pidFile(dataDir, name), JSON.stringify(server));
  log.debug({ server: name, pid }, 'server launched');

  let stopping: Promise<void> | undefined;
  let killed = false;
  const running: LaunchedServer = {
    name,
    pid,
    exited,
    ready: false,
    get exit(): Exit | undefined {
      return exit;
    },
    lastLines: () => lastLines(logFile(dataDir, name), output.size),
    kill(): void {
      killed = true;
      if (exit === undefined) signalQuietly(pid, 'SIGKILL');
    },
    stop(): Promise<void> {
      stopping ??= stop(guard, running, stopTimeoutMs, log);
      return stopping;
    },
  };
  exited
    .then((how) => {
      // The guard itself was killed: end the server too. (Its watcher would, once the pipe closes.)
      if (isAlive(server)) signalQuietly(pid, 'SIGKILL');
      guard.stdin?.destroy();
      rmSync(pidFile(dataDir, name), { force: true });
      if (running.ready && stopping === undefined && !killed)
        log.error({ server: name, ...how }, 'server ended by itself');
    })
    .catch((error: unknown) => {
      log.error({ server: name, err: toError(error) }, 'could not clean up after a server');
    });
  return running;
}

/** Waits until `probe` answers true; if the server ends or time runs out, stops it and says why. */
export async function untilReady(
  server: LaunchedServer,
  probe: () => Promise<boolean>,
  { timeoutMs, explain }: { timeoutMs: number; explain?: (lines: string) => string | undefined },
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let lastError: Error | undefined;
  for (;;) {
    if (server.exit !== undefined) throw startError(server, describe(server.exit), explain);
    try {
      if (await probe()) {
        server.ready = true;
        return;
      }
    } catch (error) {
      lastError = toError(error);
    }
    if (Date.now() > deadline) {
      const error = startError(
        server,
        `did not answer within ${timeoutMs / 1000} s`,
        explain,
        lastError,
      );
      await server.stop();
      throw error;
    }
    await Promise.race([sleep(READY_POLL_MS), server.exited]);
  }
}

/** The log file of a server: `<dataDir>/logs/<name>.log`. */
export function logFile(dataDir: string, name: string): string {
  return join(dataDir, 'logs', `${name}.log`);
}

/**
 * After a crash of ours the guard of an earlier server may still be ending it. Two servers on one
 * folder is what must not be, so we wait for the earlier one to be gone.
 */
export async function untilPredecessorEnded(dataDir: string, name: string): Promise<void> {
  const before = readPredecessor(pidFile(dataDir, name));
  const deadline = Date.now() + PREDECESSOR_TIMEOUT_MS;
  while (before !== undefined && isAlive(before)) {
    if (Date.now() > deadline) {
      throw new SojournError(
        'SJ_SERVER_START',
        `${name}: an earlier server (process ${before.pid}) still runs on ${dataDir}; end it first`,
      );
    }
    await sleep(100);
  }
}

async function stop(
  guard: ChildProcess,
  server: LaunchedServer,
  timeoutMs: number,
  log: Logger,
): Promise<void> {
  if (server.exit !== undefined) return;
  guard.kill('SIGTERM');
  const timer = setTimeout(() => {
    log.warn({ server: server.name, timeoutMs }, 'server did not stop in time, killing it');
    server.kill();
  }, timeoutMs);
  await server.exited;
  clearTimeout(timer);
}

function readPid(guard: ChildProcess): Promise<number> {
  const pipe = guard.stdio[3] as NodeJS.ReadableStream;
  return new Promise((resolve, reject) => {
    let text = '';
    pipe.on('data', (chunk: Buffer) => (text += chunk.toString()));
    pipe.once('end', () => {
      const pid = Number(text);
      if (pid > 0) resolve(pid);
      else reject(new SojournError('SJ_SERVER_START', 'the guard process ended before its server'));
    });
    guard.once('error', (cause) => {
      const message = `could not start /bin/sh: ${cause.message}`;
      reject(new SojournError('SJ_SERVER_START', message, { cause }));
    });
  });
}

function exitOf(code: number | null, signal: string | null): Exit {
  // The shell reports a child ended by signal n as 128 + n.
  const byChild =
    code === null || code <= 128
      ? undefined
      : Object.entries(constants.signals).find(([, number]) => number === code - 128);
  return byChild === undefined ? { code, signal } : { code: null, signal: byChild[0] };
}

function describe({ code, signal }: Exit): string {
  return signal === null ? `ended with code ${String(code)}` : `was ended by ${signal}`;
}

function startError(
  server: LaunchedServer,
  what: string,
  explain?: (lines: string) => string | undefined,
  cause?: Error,
): SojournError {
  const lines = server.lastLines();
  const explained = explain?.(lines);
  const message =
    explained ??
    `${server.name} ${what}` +
      (lines === '' ? '; it wrote nothing' : `; its last lines:\n${lines}`);
  return new SojournError('SJ_SERVER_START', message, cause === undefined ? undefined : { cause });
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in this very moment, which is what was wanted.
  }
}

function openLog(path: string): { fd: number; size: number } {
  mkdirSync(dirname(path), { recursive: true });
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const fresh = size > LOG_BYTES_MAX;
  // Always for appending: the server keeps the descriptor, and a truncation must not leave a hole.
  if (fresh) writeFileSync(path, '');
  return { fd: openSync(path, 'a', 0o600), size: fresh ? 0 : size };
}

function lastLines(path: string, from: number): string {
  const text = readFileSync(path).subarray(from).toString('utf8').trimEnd();
  return text.split('\n').slice(-QUOTED_LINES_MAX).join('\n');
}

function pidFile(dataDir: string, name: string): string {
  const folder = join(dataDir, 'run');
  mkdirSync(folder, { recursive: true });
  return join(folder, `${name}.pid`);
}

function readPredecessor(path: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity;
  } catch {
    // No such file, or one cut short by a crash: there is nobody to wait for.
    return undefined;
  }
}
