/** `sojourn project analyst`: the words of it. `show-analysts.ts` does it. */
import { Argument, Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { PROJECT_PATTERN } from '../shared/ids.ts';
import {
  dataDirOption,
  jsonOption,
  PROJECT_DESCRIPTION,
  projectArgument,
  projectName,
} from './options.ts';

export function analystCommand() {
  return new Command('analyst')
    .description('ClickHouse users who see one project only: add, remove, list.')
    .addCommand(addCommand())
    .addCommand(removeCommand())
    .addCommand(listCommand())
    .addHelpText('after', '\nExample: npx sojourn project analyst add shop');
}

const nameOption = () =>
  new Option(
    '--name <name>',
    'of several analysts of a project: the user is sojourn_analyst_<name> (default: the project)',
  ).argParser(analystName);

function addCommand() {
  return new Command('add')
    .description(
      'Make a ClickHouse user who reads the rows of one project, and print its password, once. A user who is there gets a new one.',
    )
    .addArgument(projectName())
    .addOption(nameOption())
    .option(
      '--password-stdin',
      'take the password from standard input (or set CLICKHOUSE_ANALYST_PASSWORD); at least 12 characters',
    )
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn project analyst add shop --name ada')
    .action(async (project, options) => {
      const { addAndPrint } = await import('./show-analysts.ts');
      await addAndPrint(project, options);
    });
}

function removeCommand() {
  return new Command('remove')
    .description('Remove such a user, and what was made for it.')
    .addArgument(projectName())
    .addOption(nameOption())
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn project analyst remove shop --name ada')
    .action(async (project, options) => {
      const { removeAndPrint } = await import('./show-analysts.ts');
      await removeAndPrint(project, options);
    });
}

function listCommand() {
  return new Command('list')
    .description('List such users, of one project or of all.')
    .addArgument(
      new Argument('[project]', PROJECT_DESCRIPTION).argParser((text: string) =>
        projectArgument(text),
      ),
    )
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn project analyst list')
    .action(async (project, options) => {
      const { printAnalysts } = await import('./show-analysts.ts');
      await printAnalysts(project, options);
    });
}

/** @throws InvalidArgumentError which commander reports as wrong usage */
function analystName(text: string): string {
  if (!PROJECT_PATTERN.test(text)) {
    throw new InvalidArgumentError('A name is 1 to 64 characters a-z, 0-9, _ or -.');
  }
  return text;
}
