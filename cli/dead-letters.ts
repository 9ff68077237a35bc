/** `sojourn deadletters`: the words of it. `show-dead-letters.ts` does it. */
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import {
  countArgument,
  dataDirOption,
  dateArgument,
  jsonOption,
  PROJECT_DESCRIPTION,
  projectArgument,
} from './options.ts';

export function deadLettersCommand() {
  return new Command('deadletters')
    .description(
      'List messages that broke a rule, with reasons; publish them again, or delete them.',
    )
    .addCommand(listCommand())
    .addCommand(replayCommand())
    .addCommand(deleteCommand())
    .addHelpText('after', '\nExample: npx sojourn deadletters list --project shop');
}

function listCommand() {
  return new Command('list')
    .description('List dead letters with their reasons: the newest, in the order they came.')
    .option('--project <project>', `only of this project: ${PROJECT_DESCRIPTION}`, projectArgument)
    .addOption(reasonOption())
    .option('--limit <n>', 'how many at most', countArgument, 50)
    .addOption(jsonOption().default(undefined, 'with the payload'))
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn deadletters list --project shop --json | head')
    .action(async (options) => {
      const { listDeadLetters } = await import('./show-dead-letters.ts');
      await listDeadLetters(options);
    });
}

const reasonOption = () =>
  new Option(
    '--reason <text>',
    'only those whose reason says this, as it is written there',
  ).argParser((text: string) => {
    if (text === '') throw new InvalidArgumentError('It must say something.');
    return text;
  });

const seqOption = () =>
  new Option('--seq <n...>', 'only these sequences of the list').argParser(
    (text: string, before: number[] | undefined) => [...(before ?? []), countArgument(text)],
  );

function replayCommand() {
  return new Command('replay')
    .description(
      'Publish dead letters again to their subjects, and take them out once that is acknowledged. Safe to run again.',
    )
    .option('--project <project>', `only of this project: ${PROJECT_DESCRIPTION}`, projectArgument)
    .addOption(reasonOption())
    .addOption(seqOption())
    .option('--file <file>', 'publish the content of this file in place of the one dead letter')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      `
Examples:
  npx sojourn deadletters replay --project shop
  npx sojourn deadletters replay --project shop --reason "over quota"
  npx sojourn deadletters replay --seq 7 --file fixed.json`,
    )
    .action(async (options, command) => {
      if (options.file !== undefined && options.seq?.length !== 1) {
        command.error('error: --file needs exactly one --seq, the dead letter it replaces');
      }
      const { replayDeadLetters } = await import('./show-dead-letters.ts');
      await replayDeadLetters(options);
    });
}

function deleteCommand() {
  return new Command('delete')
    .description('Delete dead letters, for good: what they say is counted nowhere.')
    .option('--project <project>', `only of this project: ${PROJECT_DESCRIPTION}`, projectArgument)
    .addOption(reasonOption())
    .addOption(seqOption())
    .option(
      '--before <date>',
      'only those kept before: a date, of UTC, or a time with its zone',
      dateArgument,
    )
    .option('--all', 'of all projects, where nothing else says which')
    .option('--dry-run', 'only say how many it would be')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      `
Examples:
  npx sojourn deadletters delete --project shop --reason "over quota" --dry-run
  npx sojourn deadletters delete --before 2026-11-01 --all`,
    )
    .action(async (options, command) => {
      const { project, reason, seq, all } = options;
      if (all === undefined && project === undefined && reason === undefined && seq === undefined) {
        command.error('error: name --project, --reason or --seq; --all is of all projects');
      }
      const { deleteDeadLetters } = await import('./show-dead-letters.ts');
      await deleteDeadLetters(options);
    });
}
