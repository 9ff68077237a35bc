/**
 * What a user agent says of browser, system and device, and whether a program sent it. A pure
 * function of the text, remembered by text: a site sees few agents, many times.
 *
 * Bots: isbot. The rest: ua-parser-js 1.x, because it gets more of the table of the tests right than
 * bowser 2.15 (devices 33 to 24 of 41, browsers 55 to 39 of 93), at half its speed; 2.x is AGPL.
 */
import { isbot } from 'isbot';
import { LRUCache } from 'lru-cache';
import UAParser from 'ua-parser-js';
import {
  APPS,
  BROWSER_NAMES,
  DEVICES,
  MORE_BOTS,
  ON_DESKS,
  OTHER_SYSTEMS,
  PEOPLE,
  PHONES,
  SAYS_BOT,
  SYSTEMS,
} from './agent-lists.ts';

export interface Agent {
  readonly browser?: string;
  /** Without a version: many say one that is frozen, or not theirs. */
  readonly os?: string;
  readonly deviceType?: string;
  /** A program, as far as it admits it. */
  readonly bot: boolean;
}

/**
 * What comes later is of no weight, and would be of cost: some patterns of the libraries take time
 * with the square of the length. ua-parser-js stops at 500 itself.
 */
const AGENT_CHARS_MAX = 500;

/** Some 2 MB, and 14 at worst. */
const AGENTS_MAX = 5_000;

const known = new LRUCache<string, Agent>({ max: AGENTS_MAX });

/** Any text: of one that says nothing, nothing is known, and it is no bot. */
export function agentOf(userAgent: string): Agent {
  const text = plain(userAgent);
  let agent = known.get(text);
  if (agent === undefined) {
    agent = readAgent(text);
    known.set(text, agent);
  }
  return agent;
}

function plain(userAgent: string): string {
  const text = userAgent.slice(0, AGENT_CHARS_MAX).trim();
  // As the log of IIS has it: with a plus sign for each space.
  return text.includes('+(') && !text.includes(' ') ? text.replaceAll('+', ' ') : text;
}

function readAgent(text: string): Agent {
  const parser = new UAParser(text);
  const bot = isBot(text);
  const os = systemOf(text, parser);
  const browser = browserOf(text, parser, os) ?? (bot ? undefined : appOf(text));
  const deviceType = deviceOf(text, parser, os);
  return Object.freeze({
    ...(browser !== undefined && { browser }),
    ...(os !== undefined && { os }),
    ...(deviceType !== undefined && { deviceType }),
    bot,
  });
}

function isBot(text: string): boolean {
  if (MORE_BOTS.test(text)) return true;
  return isbot(text) && (!PEOPLE.test(text) || SAYS_BOT.test(text));
}

function browserOf(text: string, parser: UAParser, os: string | undefined): string | undefined {
  const app = firstOf(APPS, text);
  if (app !== undefined) return app;
  const name = parser.getBrowser().name ?? '';
  switch (name.toLowerCase()) {
    case 'android browser':
      return ownBrowserOf(text) ?? (/\bChrome\/\d/.test(text) ? 'Chrome' : 'Android Browser');
    // A page inside an app, which does not say which: on Apple's devices it is the system's browser.
    case 'webkit':
      return ownBrowserOf(text) ?? (APPLES.has(os ?? '') ? 'Safari' : undefined);
    case '':
    case 'khtml':
    case 'mozilla':
      return ownBrowserOf(text);
    default: {
      const ours = BROWSER_NAMES.get(name.toLowerCase()) ?? name;
      return (OFTEN_MEANT.has(ours) ? ownBrowserOf(text) : undefined) ?? ours;
    }
  }
}

const APPLES: ReadonlySet<string> = new Set(['iOS', 'iPadOS']);

/** What other browsers say to be, besides. */
const OFTEN_MEANT: ReadonlySet<string> = new Set(['Chrome', 'Safari', 'Firefox']);

/** The name that a browser of no fame gives itself: `HonorBrowser/3.0` is Honor Browser. */
function ownBrowserOf(text: string): string | undefined {
  const name = /\b([A-Z][A-Za-z]{1,20})Browser\/v?\d/.exec(text)?.[1];
  return name && `${name.replace(/([a-z])(?=[A-Z])/g, '$1 ')} Browser`;
}

/** The name that a program other than a browser begins with: `Breaker/5.0.20 (iPhone; iOS 16.0)`. */
function appOf(text: string): string | undefined {
  const name = /^([a-z][\w.&-]{0,29}(?: [a-z][\w.&-]{0,19})?)[ /]v?\d/i.exec(text)?.[1];
  return name === undefined || /^(?:Mozilla|Dalvik|Opera|Apple-i)/i.test(name) ? undefined : name;
}

function systemOf(text: string, parser: UAParser): string | undefined {
  const system = firstOf(SYSTEMS, text);
  if (system !== undefined) return system;
  const { name } = parser.getOS();
  return name !== undefined && OTHER_SYSTEMS.has(name) ? name : undefined;
}

function deviceOf(text: string, parser: UAParser, os: string | undefined): string | undefined {
  const device = firstOf(DEVICES, text);
  if (device !== undefined) return device;
  const { type, vendor } = parser.getDevice();
  if (type === 'smarttv') return 'tv';
  // Where it does not know the model, a word between `Mobile` and `Safari` makes it a tablet for it.
  if (type === 'tablet' && vendor === undefined && PHONES.test(text)) return 'mobile';
  if (type !== undefined) return type;
  if (os === 'Android' || os === 'Fire OS' || os === 'HarmonyOS') {
    // Only browsers leave `Mobile` out on purpose, on tablets; what is no browser never says it.
    return /^Mozilla\b(?!.*\bMobile\b)/i.test(text) ? 'tablet' : 'mobile';
  }
  if (PHONES.test(text) || os === 'iOS' || os === 'Windows Phone') return 'mobile';
  return os !== undefined && ON_DESKS.has(os) ? 'desktop' : undefined;
}

function firstOf(list: readonly (readonly [RegExp, string])[], text: string): string | undefined {
  return list.find(([pattern]) => pattern.test(text))?.[1];
}
