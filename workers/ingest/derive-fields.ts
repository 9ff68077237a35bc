/**
 * What follows from what an event brings: path, source, channel and campaign from its URL and referrer; browser,
 * system, device and whether it is a bot from its user agent. What is given wins, each field by itself.
 */
import { attributionOf } from '../../shared/channels/attribution.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import type { ProjectSettings } from '../../shared/project.ts';
import { agentOf } from './agents.ts';

/** Empty where not given. */
export interface Sources {
  readonly url: string;
  readonly referrer: string;
  readonly userAgent: string;
}

type Given = Pick<
  VisitorEvent,
  'path' | 'trafficSource' | 'medium' | 'channel' | 'campaign' | 'term' | 'content'
>;
export type Derived = Given &
  Pick<VisitorEvent, 'referrerHost' | 'browser' | 'os' | 'deviceType' | 'bot'>;

/** @param bot whether the producer says so; undefined: it does not say */
export function deriveFrom(
  { url, referrer, userAgent }: Sources,
  bot: boolean | undefined,
  given: Given,
  settings: ProjectSettings,
): Derived {
  const isSourceTold = given.trafficSource !== undefined || given.medium !== undefined;
  const attribution =
    url === '' && referrer === '' && !isSourceTold
      ? {}
      : attributionOf(
          { ...given, ...(url !== '' && { url }), ...(referrer !== '' && { referrer }) },
          // The object itself: what is made ready of its hosts is kept with it.
          settings,
        );
  if (userAgent === '') return { ...attribution, ...(bot === true && { bot: 'true' }) };
  const { bot: isBot, ...agent } = agentOf(userAgent);
  return { ...attribution, ...agent, ...((bot ?? isBot) && { bot: 'true' }) };
}

/** What a producer says with the property `bot`; undefined for anything but a yes or a no. */
export function isBotGiven(text: string): boolean | undefined {
  if (/^(?:true|1|yes)$/i.test(text)) return true;
  return /^(?:false|0|no)$/i.test(text) ? false : undefined;
}
