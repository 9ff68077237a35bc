/** What `sojourn import --format` knows. */
import { combined } from './combined.ts';
import type { ImportFormat } from './format.ts';
import { ga4 } from './ga4.ts';
import { matomo } from './matomo.ts';
import { plausible } from './plausible.ts';
import { posthog } from './posthog.ts';
import { rudderstack, segment } from './segment.ts';
import { snowplow } from './snowplow.ts';
import { sojourn } from './sojourn.ts';
import { umami } from './umami.ts';
import { w3c } from './w3c.ts';

export type { FileReader, FormatOptions, ImportFormat, Record_ } from './format.ts';

export const FORMATS: readonly ImportFormat[] = [
  sojourn,
  combined,
  w3c,
  snowplow,
  segment,
  rudderstack,
  posthog,
  ga4,
  matomo,
  umami,
  plausible,
];
