/** `sojourn session`: the words of it. `show-sessions.ts`, `end-sessions.ts` and `exclude-sessions.ts` do it. */
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { parseCursor, type RunPlace, type SessionFilter } from '../operations/session-filter.ts';
import { parseDuration } from '../platform/duration.ts';
import { parseMoment } from '../platform/moment.ts';
import {
  byOption,
  countArgument,
  dataDirOption,
  jsonOption,
  PROJECT_DESCRIPTION,
  projectArgument,
  reasonOption,
} from './options.ts';

const ID_DESCRIPTION = 'the session id';
const LIST_EXAMPLE = '\nExample: npx sojourn session list --project shop --state open --since 1h';

export function sessionCommand() {
  return new Command('session')
    .description(
      'List sessions, live and closed; show one; end one or many; take one or many out of the numbers.',
    )
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(endCommand())
    .addCommand(turnCommand('exclude'))
    .addCommand(turnCommand('include'))
    .addHelpText('after', LIST_EXAMPLE);
}

function listCommand() {
  return new Command('list')
    .description(
      "List sessions with their visitors' times: the open ones first, then the closed ones, the newest of each first.",
    )
    .option('--project <project>', `only of this project: ${PROJECT_DESCRIPTION}`, projectArgument)
    .addOption(
      new Option('--state <state>', 'which of them')
        .choices(['open', 'closed', 'all'] as const)
        .default('all' as const),
    )
    .addOption(userOption())
    .addOption(countryOption())
    .addOption(sourceOption())
    .addOption(deviceOption())
    .addOption(engagedOption())
    .addOption(notEngagedOption())
    .addOption(sinceOption())
    .addOption(queryOption())
    .option('--limit <n>', 'how many at most', countArgument, 50)
    .option('--after <cursor>', 'go on after this session: the cursor of its row', cursorArgument)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', LIST_EXAMPLE)
    .action(async (options) => {
      const { listSessions } = await import('./show-sessions.ts');
      await listSessions(options);
    });
}

function showCommand() {
  return (
    new Command('show')
      .description('Show the state of a session, open or closed.')
      .argument('[id]', ID_DESCRIPTION)
      // An id may begin with a dash: what is no option of ours is the id.
      .allowUnknownOption()
      .addOption(idOption())
      .requiredOption('--project <project>', PROJECT_DESCRIPTION, projectArgument)
      .addOption(jsonOption())
      .addOption(dataDirOption())
      .addHelpText('after', '\nExample: npx sojourn session show 7f3a --project shop')
      .action(async (word, options, command) => {
        const sessionId = word ?? options.id;
        if (sessionId === undefined || (word !== undefined && options.id !== undefined)) {
          return command.error('error: name one session: its id, or --id');
        }
        const { showSession } = await import('./show-sessions.ts');
        await showSession(sessionId, options);
      })
  );
}

function endCommand() {
  return (
    new Command('end')
      .description(
        'End a session now: it writes what it owes, and closes. Prints what it came to. Or end all open ones that filters choose.',
      )
      .argument('[id]', ID_DESCRIPTION)
      // An id may begin with a dash: what is no option of ours is the id.
      .allowUnknownOption()
      .addOption(idOption())
      .requiredOption('--project <project>', PROJECT_DESCRIPTION, projectArgument)
      .addOption(userOption())
      .addOption(countryOption())
      .addOption(sourceOption())
      .addOption(deviceOption())
      .addOption(engagedOption())
      .addOption(notEngagedOption())
      .addOption(sinceOption())
      .addOption(queryOption())
      .addOption(byOption())
      .addOption(reasonOption())
      .option('--dry-run', 'only print which sessions would be ended, and how many')
      .addOption(jsonOption())
      .addOption(dataDirOption())
      .addHelpText(
        'after',
        '\nExamples: npx sojourn session end 7f3a --project shop\n          npx sojourn session end --project shop --country DE --dry-run',
      )
      .action(async (word, options, command) => {
        const sessionId = await oneOrMany(word, options, command);
        if (sessionId === undefined) {
          const { endSessions } = await import('./end-sessions.ts');
          await endSessions(options);
          return;
        }
        if (options.dryRun === true) command.error('error: --dry-run goes with filters');
        const { endSession } = await import('./show-sessions.ts');
        await endSession(sessionId, options);
      })
  );
}

const TURNS = {
  exclude:
    'Take a session out of the numbers (a bot, a test): all that it has counted is taken back, and what comes later does not count. Or all, open and closed, that filters choose.',
  include:
    'Let a session count again, with all that came meanwhile: the reverse of exclude. Or all that filters choose.',
} as const;

function turnCommand(turn: keyof typeof TURNS) {
  return (
    new Command(turn)
      .description(TURNS[turn])
      .argument('[id]', ID_DESCRIPTION)
      // An id may begin with a dash: what is no option of ours is the id.
      .allowUnknownOption()
      .addOption(idOption())
      .requiredOption('--project <project>', PROJECT_DESCRIPTION, projectArgument)
      .addOption(userOption())
      .addOption(countryOption())
      .addOption(sourceOption())
      .addOption(deviceOption())
      .addOption(engagedOption())
      .addOption(notEngagedOption())
      .addOption(sinceOption())
      .addOption(queryOption())
      .addOption(byOption())
      .addOption(reasonOption())
      .option('--dry-run', 'change nothing, show the rows that would be added to metrics')
      .addOption(jsonOption())
      .addOption(dataDirOption())
      .addHelpText(
        'after',
        `\nExamples: npx sojourn session ${turn} 7f3a --project shop --dry-run\n          npx sojourn session ${turn} --project shop --user robot --dry-run`,
      )
      .action(async (word, options, command) => {
        const sessionId = await oneOrMany(word, options, command);
        if (sessionId === undefined) {
          const { turnSessions } = await import('./exclude-sessions.ts');
          await turnSessions(turn === 'exclude', options);
          return;
        }
        const { turnSession } = await import('./exclude-session.ts');
        await turnSession(sessionId, turn === 'exclude', options);
      })
  );
}

/** @returns the id of the one session that is meant; undefined where filters choose */
async function oneOrMany(
  word: string | undefined,
  options: Omit<SessionFilter, 'state'> & { readonly id?: string | undefined },
  command: { error(message: string): never },
): Promise<string | undefined> {
  const { chooses } = await import('../operations/session-filter.ts');
  const isMany = chooses({ ...options, state: 'all' });
  const given = [word, options.id].filter((id) => id !== undefined).length + Number(isMany);
  if (given !== 1) {
    command.error('error: name one session (its id, or --id), or filters (--query, --user …)');
  }
  return word ?? options.id;
}

const idOption = () =>
  new Option('--id <id>', 'the session id, whatever it begins with: --id=--json');
const userOption = () => new Option('--user <id>', 'only of this user').argParser(textArgument);
const countryOption = () =>
  new Option('--country <code>', 'only from this country').argParser(textArgument);
const sourceOption = () =>
  new Option('--source <name>', 'only of this traffic source').argParser(textArgument);
const deviceOption = () =>
  new Option('--device <type>', 'only of this type of device').argParser(textArgument);
const engagedOption = () => new Option('--engaged', 'only engaged ones, as of their last write');
const notEngagedOption = () => new Option('--no-engaged', 'only those that are not engaged');
const sinceOption = () =>
  new Option(
    '--since <time>',
    'only those with an event since: 30m, 2h, 7d ago, or 2026-11-29, or 2026-11-29T08:00:00Z',
  ).argParser((text: string) => timeArgument(text));
const queryOption = () =>
  new Option(
    '--query <condition>',
    "only where this holds too, in Temporal's words: \"SojournCountry IN ('DE','AT')\"",
  ).argParser(textArgument);

function textArgument(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It must not be empty.');
  return text;
}

function cursorArgument(text: string): RunPlace {
  const place = parseCursor(text);
  if (place === undefined) throw new InvalidArgumentError('It is no cursor of `session list`.');
  return place;
}

/** @returns epoch milliseconds */
function timeArgument(text: string): number {
  const ago = parseDuration(text);
  // Nothing is from before 1970, and what is far enough before is no date.
  if (ago !== undefined) return Math.max(0, Date.now() - ago);
  const at = parseMoment(text);
  if (at === undefined) {
    throw new InvalidArgumentError('A time is for example 2h, 2026-11-29 or 2026-11-29T08:00:00Z.');
  }
  return at;
}
