/**
 * Our own events (docs/publishing.md). `sojourn import` hands their bytes to the border as they are; this reader is for
 * whoever wants every format alike.
 */
import type { ImportFormat } from './format.ts';
import { objectReader } from './lines.ts';

export const sojourn: ImportFormat = {
  name: 'sojourn',
  about: 'events as they are published, one a line (NDJSON)',
  takes: 'both',
  open: () => objectReader((event) => [{ event: event as Record<string, unknown> }]),
};
