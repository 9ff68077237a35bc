/** Runs short commands in a process that is kept for them (command-host.ts): one at a time, the output of each apart. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { CommandRequest } from './command-host.ts';

const HOST = fileURLToPath(new URL('command-host.ts', import.meta.url));

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandRunner {
  /** Also once its process is gone: others then run their commands by themselves. */
  readonly isBusy: boolean;
  /** @throws Error with what was printed where the command does not end in time, or its process ends */
  run(
    words: readonly string[],
    environment: Readonly<Record<string, string>>,
    withinMs: number,
  ): Promise<CommandResult>;
  stop(): Promise<void>;
}

/** @param module the file that has `runCommandLine` */
export function startCommandRunner(module: string): CommandRunner {
  const child = spawn(process.execPath, ['--import', 'tsx/esm', HOST, pathToFileURL(module).href], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const outputs = { stdout: '', stderr: '' };
  let onOutput = (): void => undefined;
  let onEnd = (_why: string): void => undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('close', (code, signal) => {
      onEnd(signal ?? `code ${code ?? ''}`);
      resolve();
    });
  });
  let commands = 0;
  let isBusy = false;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      outputs[name] += text;
      onOutput();
    });
  }
  letGo(child);
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);

  async function run(
    words: readonly string[],
    environment: Readonly<Record<string, string>>,
    withinMs: number,
  ): Promise<CommandResult> {
    const told = () => `'${words.join(' ')}': ${JSON.stringify(outputs)}`;
    commands += 1;
    const endMark = `end of command ${commands} with code `;
    const over = new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => {
        killAtExit();
        reject(new Error(`it does not end: ${told()}`));
      }, withinMs);
      onOutput = () => {
        const codes = Object.values(outputs).map((text) => text.split(endMark)[1]);
        if (!codes.every((code) => code?.endsWith('\n'))) return;
        clearTimeout(timer);
        resolve(Number(codes[0]));
      };
      onEnd = (why) => {
        clearTimeout(timer);
        reject(new Error(`its process ended with ${why}: ${told()}`));
      };
    });
    const request: CommandRequest = { words, environment, endMark };
    child.send(request, (error) => {
      if (error !== null) onEnd(error.message);
    });
    const code = await over;
    const [stdout = '', stderr = ''] = [outputs.stdout, outputs.stderr].map(
      (text) => text.split(endMark)[0],
    );
    // What came between two commands, of one that was over, is nobody's.
    outputs.stdout = outputs.stderr = '';
    return { code, stdout, stderr };
  }

  return {
    get isBusy() {
      return isBusy;
    },
    async run(...request) {
      isBusy = true;
      // Where this throws the process is gone: then it is free for nobody any more.
      const result = await run(...request);
      isBusy = false;
      return result;
    },
    async stop() {
      process.off('exit', killAtExit);
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** It keeps nobody from their end: a command that is waited for has a timer. */
function letGo(child: ChildProcess): void {
  child.unref();
  child.channel?.unref();
  for (const output of [child.stdout, child.stderr]) {
    (output as { unref?: () => void } | null)?.unref?.();
  }
}
