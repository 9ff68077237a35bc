/**
 * Requests of Matomo's Tracking API: the parameters of a query, a form or a line of a bulk request. What a request
 * means follows from which parameters it has. A visit is not on the wire: events name their visitor.
 */
import { createHash } from 'node:crypto';
import { countryOf } from './country.ts';
import { type Tracked, fault, NOTHING } from './event.ts';
import type { AnonymousRequest } from './plausible.ts';
import { escapedAgain } from './properties.ts';
import { firstId, firstText, given, idTextOf, textOf, timeOf } from './values.ts';
import { visitorName } from './visitor-name.ts';

/** By name, of a repeated one the last. */
export type MatomoParameters = Readonly<Record<string, string | undefined>>;

export interface MatomoRequest extends AnonymousRequest {
  readonly language?: string | undefined;
  /** Whether it brings a token of the site: only then may it say where somebody is, and speak of long ago. */
  readonly isTrusted: boolean;
}

/** Older ones need a token. */
const PAST_MS_MAX = 24 * 60 * 60 * 1_000;

/** One request. */
export function readMatomo(parameters: MatomoParameters, request: MatomoRequest): Tracked {
  const meaning = meaningOf(parameters);
  if (meaning === undefined) return NOTHING;
  const at = timeOfRequest(parameters, request);
  if (typeof at === 'string') return fault(at);
  const userId = idTextOf(parameters['uid']);
  const device = firstId(parameters['cid'], parameters['_id']);
  const { eventType, eventId = idOf(parameters), ...others } = meaning;
  const event = {
    ...given({ eventType, timestamp: at, eventId, userId, visitorId: device }),
    properties: given({
      ...others,
      // The page script takes the escapes out of the address at which it was loaded.
      url: escapedAgain(parameters['url'] ?? ''),
      campaign: campaignOf(parameters),
      referrer: parameters['urlref'],
      userAgent: textOf(parameters['ua']) ?? request.userAgent,
      language: textOf(parameters['lang']) ?? request.language,
      screen: parameters['res'],
      country: request.isTrusted ? countryOf(parameters['country']?.toUpperCase()) : undefined,
    }),
  };
  const visitor =
    device === undefined
      ? userId === undefined
        ? request.visitor
        : visitorName('user', userId)
      : visitorName('device', device);
  return [{ event, visitor }];
}

interface Meaning {
  readonly eventType: string;
  readonly eventId?: string;
  readonly revenue?: string | undefined;
  readonly conversionType?: string;
  readonly [property: string]: string | undefined;
}

function meaningOf(parameters: MatomoParameters): Meaning | undefined {
  const has = (name: string) => textOf(parameters[name]);
  if (parameters['ping'] === '1') return { eventType: 'heartbeat' };
  const goal = has('idgoal');
  if (goal === '0') {
    const order = has('ec_id');
    // A cart that has changed says its whole sum each time: no revenue.
    if (order === undefined) return { eventType: 'cart_update' };
    return {
      eventType: 'purchase',
      // An order without a number is one all the same, but not the same one as the next.
      ...(idTextOf(order) !== undefined && { eventId: `order:${order}` }),
      revenue: has('revenue'),
    };
  }
  if (goal !== undefined) {
    return { eventType: 'conversion', conversionType: goal, revenue: has('revenue') };
  }
  const action = has('e_a');
  if (action !== undefined && has('e_c') !== undefined) {
    return { eventType: action, e_c: has('e_c'), e_n: has('e_n'), e_v: has('e_v') };
  }
  const search = has('search');
  if (search !== undefined) return { eventType: 'search', search, search_cat: has('search_cat') };
  const link = has('link');
  if (link !== undefined) return { eventType: 'outlink', link };
  const download = has('download');
  if (download !== undefined) return { eventType: 'download', download };
  if (has('c_n') !== undefined) {
    const interaction = has('c_i');
    const eventType = interaction === undefined ? 'content_impression' : 'content_interaction';
    return { eventType, c_n: has('c_n'), c_p: has('c_p') };
  }
  // Something of a plug-in that is none of the above.
  if (parameters['ca'] === '1') return undefined;
  return { eventType: 'pageview', action_name: has('action_name') };
}

/** What an address may call a campaign, the first before the others. */
const CAMPAIGN_NAMES = [
  'pk_cpn',
  'pk_campaign',
  'piwik_campaign',
  'mtm_campaign',
  'matomo_campaign',
] as const;

const UTM = 'utm_campaign';

/** Of the address, by its query, then its fragment; else beside the address. */
function campaignOf(parameters: MatomoParameters): string | undefined {
  const [page, fragment] = cutAt(parameters['url'] ?? '', '#');
  const [, query] = cutAt(page, '?');
  const [inQuery, inFragment] = [new URLSearchParams(query), new URLSearchParams(fragment)];
  const campaign = firstText(...CAMPAIGN_NAMES.map((name) => inQuery.get(name)));
  if (campaign !== undefined) return campaign;
  // The border reads this one itself.
  if (textOf(inQuery.get(UTM)) !== undefined) return undefined;
  return firstText(
    ...[...CAMPAIGN_NAMES, UTM].map((name) => inFragment.get(name)),
    ...[...CAMPAIGN_NAMES, UTM].map((name) => parameters[name]),
  );
}

/** What is before the first of a mark, and all that is behind it: others may follow. */
function cutAt(text: string, mark: string): readonly [before: string, behind: string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** @returns epoch milliseconds, or what is wrong */
function timeOfRequest(
  parameters: MatomoParameters,
  { receivedAt, isTrusted }: MatomoRequest,
): number | string {
  const cdt = textOf(parameters['cdt']);
  if (cdt === undefined) return receivedAt;
  const at = /^\d{1,10}$/.test(cdt) ? Number(cdt) * 1_000 : timeOf(cdt);
  if (at === undefined) return 'cdt must be a time as 2026-01-31 12:00:00, or epoch seconds';
  return at < receivedAt - PAST_MS_MAX && !isTrusted
    ? 'cdt must not be more than 24 hours ago without a token_auth'
    : at;
}

/** The same request is the same event where something in it differs from the next one's. */
function idOf(parameters: MatomoParameters): string | undefined {
  if (textOf(parameters['rand']) === undefined && textOf(parameters['pv_id']) === undefined) {
    return undefined;
  }
  const hash = createHash('sha256');
  for (const name of Object.keys(parameters).sort()) {
    // When it was queued is no part of what it says.
    if (name !== 'token_auth') hash.update(`${name}=${parameters[name] ?? ''}\n`);
  }
  return hash.digest('base64url').slice(0, 22);
}
