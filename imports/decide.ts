/**
 * What becomes of each session of an import: it is loaded, left because it is there already, put in the place of one that
 * is there, or published because more of its events may come. Pure; what is there is asked by whoever calls it.
 */

/** `load`, `replace`: loaded, the latter in the place of others. `leave`: nothing is done. `live`: published. */
export type Fate = 'load' | 'replace' | 'leave' | 'live';

export interface Decision {
  readonly sessionId: string;
  readonly fate: Fate;
  /** First runs of the sessions that it replaces. */
  readonly insteadOf: readonly string[];
}

/** A session of this id that is in ClickHouse. */
export interface FoundSession {
  /** Its first run, or what an import made in its place. */
  readonly identity: string;
  /** Its events are kept by the import that brought it, so that it can be taken back. */
  readonly isImported: boolean;
}

export interface DecideOptions {
  /** Sessions whose last event is later may still get events: epoch milliseconds. */
  readonly liveFrom: number;
  /** Takes the place of what other imports have brought. */
  readonly replace: boolean;
}

export interface Surroundings {
  /** What there is of a session id, this import's own left out. */
  readonly found: (sessionId: string) => readonly FoundSession[];
  /** Whether a session of this id is open in Temporal. */
  readonly isOpen: (sessionId: string) => boolean;
}

export function decide(
  { sessionId, lastAt }: { readonly sessionId: string; readonly lastAt: number },
  { found, isOpen }: Surroundings,
  { liveFrom, replace }: DecideOptions,
): Decision {
  const there = found(sessionId);
  const as = (fate: Fate, insteadOf: readonly string[] = []) => ({ sessionId, fate, insteadOf });
  if (isOpen(sessionId)) return as('leave');
  if (there.length > 0) {
    if (!replace || !there.every(({ isImported }) => isImported)) return as('leave');
    return as('replace', there.map(({ identity }) => identity).sort());
  }
  return as(lastAt >= liveFrom ? 'live' : 'load');
}
