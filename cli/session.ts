/** `sojourn session`: the words of it. `show-sessions.ts` does it. */
import { Command, Option } from '@commander-js/extra-typings';
import {
  countArgument,
  dataDirOption,
  jsonOption,
  PROJECT_DESCRIPTION,
  projectArgument,
} from './options.ts';

const ID_DESCRIPTION = 'the session id; put -- before one that reads like an option here';

export function sessionCommand() {
  return new Command('session')
    .description('List sessions, live and closed; show one; end one; take one out of the numbers.')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(endCommand())
    .addCommand(turnCommand('exclude'))
    .addCommand(turnCommand('include'))
    .addHelpText('after', '\nExample: npx sojourn session list --project shop --state open');
}

function listCommand() {
  return new Command('list')
    .description('List sessions, the newest first.')
    .option('--project <project>', `only of this project: ${PROJECT_DESCRIPTION}`, projectArgument)
    .addOption(
      new Option('--state <state>', 'which of them')
        .choices(['open', 'closed', 'all'] as const)
        .default('all' as const),
    )
    .option('--limit <n>', 'how many at most', countArgument, 50)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn session list --project shop --state open')
    .action(async (options) => {
      const { listSessions } = await import('./show-sessions.ts');
      await listSessions(options);
    });
}

function showCommand() {
  return (
    new Command('show')
      .description('Show the state of a session, open or closed.')
      .argument('<id>', ID_DESCRIPTION)
      // An id may begin with a dash: what is no option of ours is the id.
      .allowUnknownOption()
      .requiredOption('--project <project>', PROJECT_DESCRIPTION, projectArgument)
      .addOption(jsonOption())
      .addOption(dataDirOption())
      .addHelpText('after', '\nExample: npx sojourn session show 7f3a --project shop')
      .action(async (sessionId, options) => {
        const { showSession } = await import('./show-sessions.ts');
        await showSession(sessionId, options);
      })
  );
}

function endCommand() {
  return (
    new Command('end')
      .description('End a session now: it writes what it owes, and closes. Prints what it came to.')
      .argument('<id>', ID_DESCRIPTION)
      // An id may begin with a dash: what is no option of ours is the id.
      .allowUnknownOption()
      .requiredOption('--project <project>', PROJECT_DESCRIPTION, projectArgument)
      .addOption(jsonOption())
      .addOption(dataDirOption())
      .addHelpText('after', '\nExample: npx sojourn session end 7f3a --project shop')
      .action(async (sessionId, options) => {
        const { endSession } = await import('./show-sessions.ts');
        await endSession(sessionId, options);
      })
  );
}

const TURNS = {
  exclude:
    'Take a session out of the numbers (a bot, a test): all that it has counted is taken back, and what comes later does not count.',
  include: 'Let a session count again, with all that came meanwhile. The reverse of exclude.',
} as const;

function turnCommand(turn: keyof typeof TURNS) {
  return (
    new Command(turn)
      .description(TURNS[turn])
      .argument('<id>', ID_DESCRIPTION)
      // An id may begin with a dash: what is no option of ours is the id.
      .allowUnknownOption()
      .requiredOption('--project <project>', PROJECT_DESCRIPTION, projectArgument)
      .option('--dry-run', 'change nothing, show the rows that would be added to metrics')
      .addOption(jsonOption())
      .addOption(dataDirOption())
      .addHelpText('after', `\nExample: npx sojourn session ${turn} 7f3a --project shop --dry-run`)
      .action(async (sessionId, options) => {
        const { turnSession } = await import('./exclude-session.ts');
        await turnSession(sessionId, turn === 'exclude', options);
      })
  );
}
