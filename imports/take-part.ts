/** Records taken and spilled: by this thread, or by one of several that share the work. */
import { loadZones } from '../platform/zones.ts';
import type { ForgottenList } from '../shared/forgotten.ts';
import { createDayTurned } from '../shared/zones/index.ts';
import type { ProjectSettings } from '../shared/project.ts';
import type { SetSums } from './event-set.ts';
import type { FileReader, Record_ } from './formats/format.ts';
import { createSpill, type SpillFile } from './spill.ts';
import { type BadRecord, createTaker } from './take-records.ts';

export interface TakePartOptions {
  readonly project: string;
  readonly settings: ProjectSettings;
  /** See `TakeOptions`. */
  readonly receivedAt: number;
  readonly liveFrom: number;
  readonly forgotten?: ForgottenList;
  readonly heartbeatsBegin?: boolean;
  /** Where its spill files are made. */
  readonly folder: string;
}

/** What came of some records. */
export interface Taken {
  readonly events: number;
  readonly bad: readonly BadRecord[];
}

/** What came of all of them. */
export interface TakenPart {
  readonly spilled: readonly SpillFile[];
  readonly sums: SetSums;
  readonly latestAt: number;
}

export interface TakePart {
  take(file: string, records: readonly Record_[], reader?: FileReader): Taken;
  /** A file is over. @param line its last one */
  endFile(file: string, line: number, reader: FileReader): Taken;
  end(): TakenPart;
}

export function createTakePart(options: TakePartOptions): TakePart {
  const spill = createSpill(options.folder);
  let events = 0;
  let bad: BadRecord[] = [];
  const taker = createTaker({
    ...options,
    dayTurned: createDayTurned(loadZones()),
    onEvent(taken) {
      events += 1;
      spill.add(taken);
    },
    onBad: (record) => bad.push(record),
  });
  return {
    take(file, records, reader) {
      events = 0;
      bad = [];
      for (const record of records) taker.take(file, record, reader);
      return { events, bad };
    },
    endFile(file, line, reader) {
      events = 0;
      bad = [];
      taker.endFile(file, line, reader);
      return { events, bad };
    },
    end: () => ({ spilled: spill.end(), sums: taker.set.sums, latestAt: taker.latestAt }),
  };
}
