/**
 * A process that runs commands one after the other, so that their modules are loaded once: to load them is most of what
 * a short command costs. command-runner.ts hands them out.
 *
 *   node --import tsx/esm test/support/command-host.ts MODULE   (that of the command line)
 */
import type { runCommandLine as RunCommandLine } from '../../cli/command-line.ts';
import { processEnvironment } from '../../platform/config.ts';

const [module = ''] = process.argv.slice(2);
const { runCommandLine } = (await import(module)) as {
  runCommandLine: typeof RunCommandLine;
};
const variables = processEnvironment() as Record<string, string>;

export interface CommandRequest {
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Written to both outputs when the command is over, with its exit code after it. */
  readonly endMark: string;
}

async function serve({ words, environment, endMark }: CommandRequest): Promise<void> {
  for (const name of Object.keys(variables)) Reflect.deleteProperty(variables, name);
  Object.assign(variables, environment);
  const code = await runCommandLine(words);
  // Each command listens anew.
  process.stdout.removeAllListeners('error');
  for (const output of [process.stdout, process.stderr]) output.write(`${endMark}${code}\n`);
}

process.on('message', (request: CommandRequest) => {
  serve(request).catch((error: unknown) => {
    process.stderr.write(String(error));
    process.exit(1);
  });
});
process.once('disconnect', () => {
  process.exit();
});
