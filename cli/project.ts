/** `sojourn project`: the words of it. `show-projects.ts` does it. */
import { Command, Option } from '@commander-js/extra-typings';
import type { Edit } from '../shared/project-change.ts';
import { WEEKS } from '../shared/setting-rules.ts';
import { analystCommand } from './project-analyst.ts';
import { dataDirOption, jsonOption, projectName } from './options.ts';

export function projectCommand() {
  return new Command('project')
    .description('List what is set for projects; show one; set; users who see one project.')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(setCommand())
    .addCommand(purgeCommand())
    .addCommand(analystCommand())
    .addHelpText(
      'after',
      '\nExample: npx sojourn project set shop --time-zone Europe/Berlin --currency EUR',
    );
}

function listCommand() {
  return new Command('list')
    .description('List the projects for which something is set; any other has the defaults.')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn project list --json')
    .action(async (options) => {
      const { printProjects } = await import('./show-projects.ts');
      await printProjects(options);
    });
}

function showCommand() {
  return new Command('show')
    .description('Show what is set for a project, with the defaults where nothing is.')
    .addArgument(projectName())
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn project show shop')
    .action(async (project, options) => {
      const { printProject } = await import('./show-projects.ts');
      await printProject(project, options);
    });
}

function purgeCommand() {
  return new Command('purge')
    .description(
      'Delete the rows that are older than their projects keep them (`--retention`). Safe to run again; run it once a day.',
    )
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn project purge')
    .action(async (options) => {
      const { purgeAndPrint } = await import('./show-projects.ts');
      await purgeAndPrint(options);
    });
}

const adding = (add: string, before: readonly Edit[] | undefined) => [...(before ?? []), { add }];
const removing = (remove: string, before: readonly Edit[] | undefined) => [
  ...(before ?? []),
  { remove },
];

/** What is not named stays as it is. A flag and its `--no-` fill one list, in their order. */
function setCommand() {
  return new Command('set')
    .description(
      'Set what is named, leave the rest. Ingest goes by it within a second; prints what that means for earlier numbers.',
    )
    .addArgument(projectName())
    .option('--time-zone <zone>', 'IANA name of the zone in which its days are told')
    .addOption(new Option('--week <day>', 'first day of its week').choices(WEEKS))
    .option('--currency <code>', 'of revenue that names none, by ISO 4217: EUR')
    .option('--no-currency', 'revenue that names none has none')
    .addOption(
      new Option(
        '--own-host <host>',
        'a host of its own, and all below it: who comes from there comes from nowhere else; may be repeated',
      ).argParser(adding),
    )
    .addOption(new Option('--no-own-host <host>', 'not its own any more').argParser(removing))
    .addOption(
      new Option(
        '--dimension <name=property>',
        'a dimension of its own, read from that property of events; may be repeated',
      ).argParser(adding),
    )
    .addOption(new Option('--no-dimension <name>', 'no dimension any more').argParser(removing))
    .option(
      '--retention <days>',
      'how many days before today its rows are kept, for example 400d; what is older is deleted',
    )
    .option('--no-retention', 'keep its rows for ever')
    .option(
      '--max-messages-per-day <n>',
      'messages that are taken a day of UTC; what is more waits in DEADLETTERS',
    )
    .option('--no-max-messages-per-day', 'take as many as come')
    .option(
      '--max-bytes-per-day <size>',
      'bytes of messages that are taken a day of UTC, for example 500MB; what is more waits in DEADLETTERS',
    )
    .option('--no-max-bytes-per-day', 'take as many as come')
    .addOption(
      new Option(
        '--collect-key <key>',
        'what trackers name it by at `sojourn collect`: a write key, a website id, a domain; may be repeated',
      ).argParser(adding),
    )
    .addOption(
      new Option('--no-collect-key <key>', 'trackers do not name it so any more').argParser(
        removing,
      ),
    )
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      `
Examples: npx sojourn project set shop --time-zone Europe/Berlin --week monday --currency EUR
          npx sojourn project set shop --own-host shop.example --dimension plan=properties.plan`,
    )
    .action(async (project, options) => {
      const { setAndPrint } = await import('./show-projects.ts');
      await setAndPrint(project, options);
    });
}

/** As the flags fill them: the types of the library do not know that a flag and its `--no-` share one. */
export interface SetOptions {
  readonly timeZone?: string;
  readonly week?: string;
  /** `--no-currency` makes it false; without either the library says true. */
  readonly currency?: string | boolean;
  readonly ownHost?: readonly Edit[] | boolean;
  readonly dimension?: readonly Edit[] | boolean;
  /** `--no-retention` makes it false; without either the library says true. */
  readonly retention?: string | boolean;
  readonly collectKey?: readonly Edit[] | boolean;
  readonly maxMessagesPerDay?: string | boolean;
  readonly maxBytesPerDay?: string | boolean;
  readonly json?: true;
  readonly dataDir: string;
}
