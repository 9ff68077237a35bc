/** How much ingest holds, of whom, and how much of it overtakes: what room there is follows from that. */
import {
  HELD_BYTES_MAX,
  HELD_MESSAGES_MAX,
  OVERTAKING_BYTES_MAX,
  OVERTAKING_MESSAGES_MAX,
} from '../../shared/limits.ts';
import type { HeldMessage } from './gather.ts';

export interface HeldCounts {
  /** Takes an event of so many bytes in, or out. */
  count(project: string, message: HeldMessage, bytes: number, sign: 1 | -1): void;
  readonly events: number;
  of(project: string): number;
  readonly byProject: ReadonlyMap<string, number>;
  aheadOf(project: string): number;
  /** What overtakes has room of its own. */
  readonly hasRoom: boolean;
  readonly hasRoomAhead: boolean;
}

export function countHeld(): HeldCounts {
  const all = { events: 0, bytes: 0 };
  const ahead = { events: 0, bytes: 0 };
  const byProject = new Map<string, number>();
  const aheadByProject = new Map<string, number>();
  return {
    count(project, message, bytes, sign) {
      all.events += sign;
      all.bytes += sign * bytes;
      addTo(byProject, project, sign);
      if (!message.overtakes) return;
      ahead.events += sign;
      ahead.bytes += sign * bytes;
      addTo(aheadByProject, project, sign);
    },
    get events() {
      return all.events;
    },
    of: (project) => byProject.get(project) ?? 0,
    byProject,
    aheadOf: (project) => aheadByProject.get(project) ?? 0,
    get hasRoom() {
      return (
        all.events - ahead.events < HELD_MESSAGES_MAX && all.bytes - ahead.bytes < HELD_BYTES_MAX
      );
    },
    get hasRoomAhead() {
      return ahead.events < OVERTAKING_MESSAGES_MAX && ahead.bytes < OVERTAKING_BYTES_MAX;
    },
  };
}

function addTo(counts: Map<string, number>, project: string, sign: 1 | -1): void {
  const count = (counts.get(project) ?? 0) + sign;
  if (count > 0) counts.set(project, count);
  else counts.delete(project);
}
