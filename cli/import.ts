/** `sojourn import`: the words of it. `import-files.ts` and `show-imports.ts` do it. */
import { Argument, Command } from '@commander-js/extra-typings';
import { dataDirOption, jsonOption, PROJECT_DESCRIPTION, projectArgument } from './options.ts';

export function importCommand() {
  return new Command('import')
    .description(
      'Bring history in at bulk speed, with the numbers that it would have given live. The same files again change nothing; killed and run again it goes on where it was.',
    )
    .argument(
      '<file...>',
      'files or folders: text, plain, gzip or Zstandard, or Parquet; - is standard input',
    )
    .option('--project <project>', PROJECT_DESCRIPTION, projectArgument)
    .option('--format <format>', 'what the files hold, see docs/import-formats.md', 'sojourn')
    .option('--host <host>', 'the site that the files are of, where they do not name it')
    .option('--replace', 'put sessions in the place of those that other imports have brought')
    .option('--keep-bad', 'records that break a rule go to the dead letters as well')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn import 2025/*.ndjson.gz --project shop')
    .action(async (files, { project, ...options }, command) => {
      // Not a required option: `list` and `undo` would have to have it, too.
      if (project === undefined) {
        return command.error("error: required option '--project' not specified");
      }
      const { importFiles } = await import('./import-files.ts');
      await importFiles(files, { ...options, project });
    })
    .addCommand(listCommand())
    .addCommand(undoCommand());
}

function listCommand() {
  return new Command('list')
    .description('Imports, the newest first.')
    .option('--project <project>', `only this project: ${PROJECT_DESCRIPTION}`, projectArgument)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn import list --project shop')
    .action(async (options) => {
      const { showImports } = await import('./show-imports.ts');
      await showImports(options);
    });
}

function undoCommand() {
  return new Command('undo')
    .description(
      'Take an import back: its sessions and all that they add to metrics. Sessions that were published stay.',
    )
    .addArgument(new Argument('<id>', 'as `import list` shows it'))
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn import undo 3f0c9b52a1d84e77c0aa')
    .action(async (id, options) => {
      const { takeBackImport } = await import('./show-imports.ts');
      await takeBackImport(id, options);
    });
}
