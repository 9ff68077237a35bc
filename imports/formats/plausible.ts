/** Plausible's exports hold sums, and sums are no sessions. */
import { fault } from '../../trackers/event.ts';
import type { ImportFormat } from './format.ts';

const REFUSED =
  "Plausible's CSV exports hold sums by day and by one column at a time, and visits cannot be told from them: " +
  'visitors, bounces and durations of imported and live visits would stand in the same tables and could not be added.';

export const plausible: ImportFormat = {
  name: 'plausible',
  about: 'refused: its exports hold sums, not visits',
  takes: 'lines',
  refused: REFUSED,
  open: () => ({ read: () => fault(REFUSED) }),
};
