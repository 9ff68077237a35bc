/** `sojourn collect`: the way in for trackers alone, beside whatever runs the rest. */
import { Command } from '@commander-js/extra-typings';
import { dataDirOption, HEALTH_PORT, portArgument } from './options.ts';

export function collectCommand() {
  return new Command('collect')
    .description(
      'Take events over HTTP until SIGTERM, as JSON of our own or as the trackers of Segment, RudderStack, Snowplow, Plausible, Umami, Matomo, PostHog and GA4 send them. Any number share the work. `sojourn up` serves it too.',
    )
    .option('--port <n>', 'port to listen on', portArgument, 8091)
    .option('--health-port <n>', HEALTH_PORT, portArgument)
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      `
On 127.0.0.1, for this machine alone. For others: COLLECT_HOST=0.0.0.0, behind something that speaks TLS.
Trackers name their project by a key: npx sojourn project set shop --collect-key KEY

Example: npx sojourn collect --port 8095`,
    )
    .action(async (options) => {
      const { serveCollector } = await import('./serve-collector.ts');
      await serveCollector(options);
    });
}
