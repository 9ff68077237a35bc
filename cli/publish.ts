/** `sojourn publish`: the words of it. `publish-report.ts` does it. */
import { Command } from '@commander-js/extra-typings';
import {
  dataDirOption,
  jsonOption,
  PROJECT_DESCRIPTION,
  projectArgument,
  rateArgument,
} from './options.ts';

export function publishCommand() {
  return new Command('publish')
    .description(
      'Publish events from NDJSON files, plain, gzip or Zstandard; - is standard input. Each line is one message, sent as it is. Waits for every acknowledgement.',
    )
    .argument('<file...>', 'NDJSON files')
    .requiredOption('--project <project>', PROJECT_DESCRIPTION, projectArgument)
    .option('--rate <n>', 'messages a second; as fast as it goes without it', rateArgument)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn publish events.ndjson.gz --project shop')
    .action(async (files, options) => {
      const { publishFiles } = await import('./publish-report.ts');
      await publishFiles(files, options);
    });
}
