/**
 * The command line as a whole: which commands there are, how their failures are shown, and the exit
 * code. A command's code is loaded only where its name is among the words, so that help is quick and
 * `publish` does not load what only a worker needs.
 *
 * Exit codes: 0 done, 1 failed, 2 wrong usage.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { SojournError, toError } from '../shared/errors.ts';

interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandUnknownOpts>;
}

const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'up',
    summary: 'start everything on this machine: servers, ingest and workers',
    load: async () => (await import('./up.ts')).upCommand(),
  },
  {
    name: 'worker',
    summary: 'run the sessions: one or more such processes of a cluster',
    load: async () => (await import('./processes.ts')).workerCommand(),
  },
  {
    name: 'ingest',
    summary: 'bring events from NATS to their sessions: one or more such processes of a cluster',
    load: async () => (await import('./processes.ts')).ingestCommand(),
  },
  {
    name: 'migrate',
    summary: 'create or upgrade streams, search attributes and the ClickHouse schema',
    load: async () => (await import('./processes.ts')).migrateCommand(),
  },
  {
    name: 'publish',
    summary: 'publish events from NDJSON files',
    load: async () => (await import('./publish.ts')).publishCommand(),
  },
  {
    name: 'import',
    summary: 'bring history in from files, list imports, take one back',
    load: async () => (await import('./import.ts')).importCommand(),
  },
  {
    name: 'status',
    summary:
      'show servers, events under way, open sessions and dead letters; wait until all is loaded',
    load: async () => (await import('./status.ts')).statusCommand(),
  },
  {
    name: 'session',
    summary: 'list sessions, show one, end some, take some out of the numbers and back',
    load: async () => (await import('./session.ts')).sessionCommand(),
  },
  {
    name: 'project',
    summary: 'list what is set for projects, show one, set; users who see one project',
    load: async () => (await import('./project.ts')).projectCommand(),
  },
  {
    name: 'dashboard',
    summary: 'serve the page with the numbers of all projects',
    load: async () => (await import('./dashboard.ts')).dashboardCommand(),
  },
  {
    name: 'collect',
    summary: 'take events over HTTP, as trackers send them',
    load: async () => (await import('./collect.ts')).collectCommand(),
  },
  {
    name: 'deadletters',
    summary: 'list messages that broke a rule, publish them again',
    load: async () => (await import('./dead-letters.ts')).deadLettersCommand(),
  },
  {
    name: 'forget',
    summary: 'take a person’s data out of every store, numbers kept',
    load: async () => (await import('./forget.ts')).forgetCommand(),
  },
  {
    name: 'restate',
    summary: 'have sessions that began before an upgrade go by its definitions of the metrics',
    load: async () => (await import('./restate.ts')).restateCommand(),
  },
  {
    name: 'audit',
    summary: 'compare the tables sessions and metrics, show the rows that differ',
    load: async () => (await import('./audit.ts')).auditCommand(),
  },
];

/** Runs the command that the words name. @returns the exit code */
export async function runCommandLine(words: readonly string[]): Promise<number> {
  process.stdout.on('error', endQuietly);
  try {
    const program = await createProgram(words);
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    return await report(error);
  }
}

/** Whoever reads standard output has seen enough (`| head`). */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
}

/** The program, with the commands that the words name in full and the others by name only. */
export async function createProgram(words: readonly string[]): Promise<CommandUnknownOpts> {
  const program = new Command('sojourn')
    .description('Visitor events in, exact session and engagement metrics out.')
    .version(readVersion(), '--version', 'print the version')
    .option('--data-dir <dir>', 'the folder of `sojourn up` whose servers are meant')
    .option('--json', 'print JSON')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      '\n`sojourn <command> --help` tells more. Example: npx sojourn up --demo',
    );
  for (const { name, summary, load } of COMMANDS) {
    const command = words.includes(name) ? await load() : new Command(name);
    program.addCommand(command.summary(summary));
  }
  inherit(program);
  return program;
}

/** What an added command does not take over by itself: exit codes, and options before the name. */
function inherit(command: CommandUnknownOpts): void {
  command.exitOverride();
  command.hook('preSubcommand', (parent, child) => {
    for (const [name, value] of Object.entries(parent.opts())) {
      if (parent.getOptionValueSource(name) !== 'cli') continue;
      child.setOptionValueWithSource(name, value, 'cli');
    }
  });
  for (const child of command.commands) inherit(child);
}

function readVersion(): string {
  // The sources are one level below the package, `dist/cli/` is two.
  const levels = import.meta.url.endsWith('.ts') ? '..' : '../..';
  const text = readFileSync(new URL(`${levels}/package.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Tells a person what went wrong, in one line. @returns the exit code */
async function report(thrown: unknown): Promise<number> {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  const error = toError(thrown);
  process.stderr.write(`error: ${describe(error)}\n`);
  const { processEnvironment } = await import('../platform/config.ts');
  if (/^(debug|trace)$/.test(processEnvironment()['LOG_LEVEL'] ?? '')) {
    process.stderr.write(`${error.stack ?? ''}\n`);
    if (error.cause !== undefined)
      process.stderr.write(`caused by ${toError(error.cause).stack ?? ''}\n`);
  }
  return error instanceof SojournError && error.code === 'SJ_USAGE' ? 2 : 1;
}

function describe(error: Error): string {
  // Node joins the failures of several addresses in an error without a message of its own.
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((one) => toError(one).message).join('; ');
  }
  return error.message === '' ? error.name : error.message;
}
