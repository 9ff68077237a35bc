/** `sojourn deadletters`: the words of it. `show-dead-letters.ts` does it. */
import { Command } from '@commander-js/extra-typings';
import {
  countArgument,
  dataDirOption,
  jsonOption,
  PROJECT_DESCRIPTION,
  projectArgument,
} from './options.ts';

export function deadLettersCommand() {
  return new Command('deadletters')
    .description('List messages that broke a rule, with reasons; publish them again.')
    .addCommand(listCommand())
    .addCommand(replayCommand())
    .addHelpText('after', '\nExample: npx sojourn deadletters list --project shop');
}

function listCommand() {
  return new Command('list')
    .description('List dead letters with their reasons: the newest, in the order they came.')
    .option('--project <project>', `only of this project: ${PROJECT_DESCRIPTION}`, projectArgument)
    .option('--limit <n>', 'how many at most', countArgument, 50)
    .addOption(jsonOption().default(undefined, 'with the payload'))
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn deadletters list --project shop --json | head')
    .action(async (options) => {
      const { listDeadLetters } = await import('./show-dead-letters.ts');
      await listDeadLetters(options);
    });
}

function replayCommand() {
  return new Command('replay')
    .description(
      'Publish dead letters again to their subjects, and take them out once that is acknowledged. Safe to run again.',
    )
    .option('--project <project>', `only of this project: ${PROJECT_DESCRIPTION}`, projectArgument)
    .option(
      '--seq <n...>',
      'only these sequences of the list',
      (text, before: number[] | undefined) => [...(before ?? []), countArgument(text)],
      undefined as number[] | undefined,
    )
    .option('--file <file>', 'publish the content of this file in place of the one dead letter')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      `
Examples:
  npx sojourn deadletters replay --project shop
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
