/** `sojourn restate`: the words of it. `restate-sessions.ts` does it. */
import { Command } from '@commander-js/extra-typings';
import {
  byOption,
  dataDirOption,
  dateArgument,
  jsonOption,
  PROJECT_DESCRIPTION,
  projectArgument,
  rateArgument,
  reasonOption,
} from './options.ts';

/** Far below what visitors cause: a closed session costs about what a new one does. */
const SESSIONS_PER_SECOND = 20;

export function restateCommand() {
  return new Command('restate')
    .description(
      'Have sessions that began before an upgrade, and that Temporal still knows, go by the definitions of this version: what the old and the new ones say differently is written, to the last row. Workers do it; the command begins it and shows how far it is.',
    )
    .requiredOption(
      '--from <date>',
      'sessions whose first event is of then or later: 2026-11-01 (UTC), or 2026-11-01T08:00:00+01:00',
      dateArgument,
    )
    .option('--project <project>', `only of this project: ${PROJECT_DESCRIPTION}`, projectArgument)
    .option('--rate <n>', 'sessions a second at the most', rateArgument, SESSIONS_PER_SECOND)
    .addOption(byOption('who does it, kept with the workflow `restate`'))
    .addOption(reasonOption('why, kept with the workflow `restate`'))
    .option('--dry-run', 'change nothing, show the rows that would be added to metrics')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExamples: npx sojourn restate --from 2026-11-01 --dry-run\n          npx sojourn restate --from 2026-11-01 --project shop',
    )
    .action(async (options) => {
      const { restateSessions } = await import('./restate-sessions.ts');
      await restateSessions(options);
    });
}
