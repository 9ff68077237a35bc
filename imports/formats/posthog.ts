/** PostHog's batch exports: events as JSON lines, or as Parquet, where `properties` is the text of JSON. */
import { readPosthog } from '../../trackers/posthog.ts';
import type { ImportFormat } from './format.ts';
import { objectReader } from './lines.ts';

export const posthog: ImportFormat = {
  name: 'posthog',
  about: 'event exports of PostHog: JSON lines or Parquet',
  takes: 'both',
  columns: ['uuid', 'event', 'properties', 'distinct_id', 'timestamp'],
  open: () => objectReader((event) => readPosthog(event)),
};
