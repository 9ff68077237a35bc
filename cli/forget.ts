/** `sojourn forget`: the words of it. `forget-and-print.ts` does it. */
import { Command, Option } from '@commander-js/extra-typings';
import {
  byOption,
  dataDirOption,
  jsonOption,
  PROJECT_DESCRIPTION,
  projectArgument,
} from './options.ts';

const OTHERS = ['user', 'visitor', 'session'] as const;

/** One of several, each of which excludes the others. */
const conflicting = (name: (typeof OTHERS)[number]) => OTHERS.filter((other) => other !== name);

export function forgetCommand() {
  return new Command('forget')
    .description(
      'Take a person’s data out of every store, for good. Numbers stay as they are, or are taken back. Safe to run again; killed and run again it finishes.',
    )
    .requiredOption('--project <project>', PROJECT_DESCRIPTION, projectArgument)
    .addOption(
      new Option(
        '--user <id>',
        'a user: their sessions, and those of their devices before they were known',
      ).conflicts(conflicting('user')),
    )
    .addOption(
      new Option('--visitor <id>', 'an anonymous visitor, a device').conflicts(
        conflicting('visitor'),
      ),
    )
    .addOption(new Option('--session <id>', 'one session').conflicts(conflicting('session')))
    .option('--take-back', 'what the sessions have counted goes out of the numbers, too')
    .addOption(byOption('who does it, kept in `sojourn.forgotten`'))
    .option('--dry-run', 'print what would go, change nothing')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn forget --user 4711 --project shop --dry-run')
    .action(async ({ user, visitor, session, ...options }, command) => {
      const [named] = [
        { kind: 'user', id: user },
        { kind: 'visitor', id: visitor },
        { kind: 'session', id: session },
      ].flatMap(({ kind, id }) =>
        id === undefined || id === '' ? [] : [{ kind: kind as (typeof OTHERS)[number], id }],
      );
      if (named === undefined) {
        return command.error('error: name whom: --user, --visitor or --session');
      }
      const { forgetAndPrint } = await import('./forget-and-print.ts');
      await forgetAndPrint({ project: options.project, ...named }, options);
    });
}
