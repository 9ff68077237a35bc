/** A Sojourn process under a supervisor, as in production: what ends is started again. */
import type { ChildProcess } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { spawnSojourn } from './pipeline.ts';

export interface Supervised {
  readonly name: string;
  readonly isReady: boolean;
  /** Times it ended without being asked to. */
  readonly ownEnds: number;
  /** Everything it logged, over all its lives. */
  readonly log: string;
  /** SIGKILL. Started again unless {@link end} comes first. */
  kill(): void;
  /**
   * SIGTERM, and wait; started again then.
   * @returns how it ended and how long that took
   */
  restart(): Promise<Ending>;
  /** SIGTERM for good. */
  end(): Promise<Ending>;
}

export interface Ending {
  readonly code: number | null;
  readonly tookMs: number;
}

/** Docker, Kubernetes and systemd kill after 10 to 90 s. */
const STOP_MS_MAX = 60_000;
const START_AGAIN_AFTER_MS = 300;

export interface SupervisedOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** How long a killed one stays away. */
  readonly pauseMs?: () => number;
  readonly onReady?: () => void;
}

// A test run that dies must not leave them behind.
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export function supervise(options: SupervisedOptions): Supervised {
  const { name, args, environment, logFile } = options;
  const readyLine = args[0] === 'worker' ? 'session worker started' : 'ingest started';
  let child: ChildProcess | undefined;
  let exited: Promise<number | null> = Promise.resolve(null);
  let log = '';
  let isReady = false;
  let asked = false;
  let ended = false;
  let ownEnds = 0;

  const note = (text: string) => {
    log += text;
    appendFileSync(logFile, text);
  };
  const start = () => {
    isReady = false;
    asked = false;
    let life = '';
    const mine = spawnSojourn(args, environment);
    child = mine;
    running.add(mine);
    note(`--- ${new Date().toISOString()} ${name} starts as process ${mine.pid ?? 0}\n`);
    mine.stdout?.resume();
    mine.stderr?.on('data', (chunk: Buffer) => {
      const text = chunk.toString();
      note(text);
      life = isReady ? '' : life + text;
      if (isReady || !life.includes(readyLine)) return;
      isReady = true;
      options.onReady?.();
    });
    exited = new Promise((resolve) => {
      mine.once('close', (code, signal) => {
        running.delete(mine);
        isReady = false;
        note(`--- ${new Date().toISOString()} ${name} ended: ${code ?? signal ?? '?'}\n`);
        resolve(code);
        if (!asked) ownEnds += 1;
        if (!ended) setTimeout(startUnlessEnded, options.pauseMs?.() ?? START_AGAIN_AFTER_MS);
      });
    });
  };
  const startUnlessEnded = () => {
    if (!ended) start();
  };
  const stop = async (): Promise<Ending> => {
    asked = true;
    const mine = child;
    const began = Date.now();
    mine?.kill('SIGTERM');
    const timer = setTimeout(() => mine?.kill('SIGKILL'), STOP_MS_MAX);
    const code = await exited;
    clearTimeout(timer);
    return { code, tookMs: Date.now() - began };
  };

  start();
  return {
    name,
    get isReady() {
      return isReady;
    },
    get ownEnds() {
      return ownEnds;
    },
    get log() {
      return log;
    },
    kill() {
      asked = true;
      child?.kill('SIGKILL');
    },
    restart: stop,
    end() {
      ended = true;
      return stop();
    },
  };
}
