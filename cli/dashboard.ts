/** `sojourn dashboard`: the page alone, beside whatever runs the rest. */
import { Command } from '@commander-js/extra-typings';
import { dataDirOption, HEALTH_PORT, portArgument } from './options.ts';

export function dashboardCommand() {
  return new Command('dashboard')
    .description(
      'Serve the page with the numbers of all projects until SIGTERM. Reads ClickHouse as the BI user; with NATS_URL the numbers move by themselves. `sojourn up` serves it too.',
    )
    .option('--port <n>', 'port of the page', portArgument, 8090)
    .option('--health-port <n>', HEALTH_PORT, portArgument)
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      `
On 127.0.0.1, for this machine alone. For others: DASHBOARD_HOST=0.0.0.0, and a DASHBOARD_PASSWORD.

Example: npx sojourn dashboard --port 8095`,
    )
    .action(async (options) => {
      const { serveDashboard } = await import('./serve-dashboard.ts');
      await serveDashboard(options);
    });
}
