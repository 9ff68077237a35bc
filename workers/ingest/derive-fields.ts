/**
 * What follows from what an event brings: path, source, channel and campaign from its URL and referrer; browser,
 * system, device and whether it is a bot from its user agent. What is given wins, each field by itself.
 */
import { LRUCache } from 'lru-cache';
import { type Attribution, attributionOf } from '../../shared/channels/attribution.ts';
import type { ProjectSettings } from '../../shared/project.ts';
import { type Agent, agentOf } from './agents.ts';

/** Properties that others follow from. */
export interface Sources {
  readonly url?: string;
  readonly referrer?: string;
  readonly userAgent?: string;
  /** Whether the producer says that it is one. */
  readonly bot?: string;
}

/** Fields by name, as given; what follows is added. */
type Fields = Partial<Record<string, string>>;

const NONE: Sources = {};

/** Adds what follows and is not given, in place. */
export function addDerived(
  fields: Fields,
  sources: Sources = NONE,
  settings: ProjectSettings,
): void {
  const { url, referrer, userAgent, bot } = sources;
  const { trafficSource, medium } = fields;
  if (url ?? referrer) {
    // The settings themselves: what is made ready of a project's hosts is kept with them.
    addTo(fields, attributionOf({ ...fields, ...sources }, settings));
  } else if (trafficSource ?? medium) addChannel(fields, settings);
  const agent = userAgent === undefined ? undefined : agentOf(userAgent);
  // Whether it is a bot is no text.
  if (agent !== undefined) addTo(fields, agent);
  if (bot === undefined ? agent?.bot : (isBotGiven(bot) ?? agent?.bot)) fields['bot'] = 'true';
}

/** Channels by what names them: few names come again and again. Empty where there is none. */
const channels = new LRUCache<string, string>({ max: 5_000 });
/** Of longer names none is kept. */
const NAMES_CHARS_MAX = 300;
const numbers = new WeakMap<ProjectSettings, number>();
let settingsSeen = 0;

/** The channel is all that follows from names alone. */
function addChannel(fields: Fields, settings: ProjectSettings): void {
  if (fields['channel'] !== undefined) return;
  const { trafficSource = '', medium = '', campaign = '' } = fields;
  // The lengths tell where one name ends and the next begins.
  const places = `${numberOf(settings)} ${trafficSource.length} ${medium.length}`;
  const key = `${places} ${trafficSource}${medium}${campaign}`;
  let channel = channels.get(key);
  if (channel === undefined) {
    channel = attributionOf(fields, settings).channel ?? '';
    if (key.length <= NAMES_CHARS_MAX) channels.set(key, channel);
  }
  if (channel !== '') fields['channel'] = channel;
}

/** Settings have rules of their own. */
function numberOf(settings: ProjectSettings): number {
  let number = numbers.get(settings);
  if (number === undefined) {
    settingsSeen += 1;
    number = settingsSeen;
    numbers.set(settings, number);
  }
  return number;
}

function addTo(fields: Fields, more: Attribution | Agent): void {
  for (const [name, value] of Object.entries(more) as (readonly [string, unknown])[]) {
    if (typeof value === 'string') fields[name] ??= value;
  }
}

/** What a producer says with the property `bot`; undefined for anything but a yes or a no. */
function isBotGiven(text: string): boolean | undefined {
  if (/^(?:true|1|yes)$/i.test(text)) return true;
  return /^(?:false|0|no)$/i.test(text) ? false : undefined;
}
