/** `sojourn status`: the words of it. `show-status.ts` does it. */
import { Command, Option } from '@commander-js/extra-typings';
import { dataDirOption, durationArgument, jsonOption } from './options.ts';

export function statusCommand() {
  return new Command('status')
    .description(
      'Show, on a terminal as a table and else as JSON: servers reachable, events pending and unacknowledged, open sessions, differences not yet loaded, dead letters. Exit code 1 where a server is away.',
    )
    .option(
      '--wait',
      "wait until everything published before is in ClickHouse, open sessions' latest events too; with SESSION_CHECKPOINT=off those come with the session's end and are not waited for",
    )
    .addOption(
      new Option('--timeout <duration>', 'how long to wait at most')
        .default(60_000, '60s')
        .argParser(durationArgument),
    )
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample: npx sojourn status --wait --timeout 2m')
    .action(async (options) => {
      const { showStatus } = await import('./show-status.ts');
      await showStatus(options);
    });
}
