/** `sojourn audit`: the words of it. `show-audit.ts` does it. */
import { Command } from '@commander-js/extra-typings';
import { dataDirOption, jsonOption, PROJECT_DESCRIPTION, projectArgument } from './options.ts';

export function auditCommand() {
  return new Command('audit')
    .description(
      'Compare the tables sessions and metrics, for every metric that sessions determine. Exit code 1 and the rows where they differ.',
    )
    .option('--project <project>', `only this project: ${PROJECT_DESCRIPTION}`, projectArgument)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn audit --project shop')
    .action(async (options) => {
      const { showAudit } = await import('./show-audit.ts');
      await showAudit(options);
    });
}
