/** Segment's and RudderStack's calls as their storage destinations and exports keep them: a call a line. */
import { readSegment } from '../../trackers/segment.ts';
import type { ImportFormat } from './format.ts';
import { objectReader } from './lines.ts';

export const segment: ImportFormat = {
  name: 'segment',
  about: 'calls of Segment, one a line (NDJSON, as its S3 archive has them)',
  takes: 'both',
  open: () => objectReader((call) => readSegment(call)),
};

export const rudderstack: ImportFormat = {
  name: 'rudderstack',
  about:
    'calls of RudderStack, one a line (NDJSON), with the sessions of its SDK where they have some',
  takes: 'both',
  open: () => objectReader((call) => readSegment(call)),
};
