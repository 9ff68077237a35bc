/**
 * Takes a session out of the numbers, or lets it count again: one that is open is told so, one that has closed is opened
 * once more to do it. Safe to repeat.
 */
import type { SessionHistory } from '../activities/load-snapshot.ts';
import type { ActNote } from '../shared/acts.ts';
import { type Contributions, parseRowKey } from '../shared/contributions.ts';
import { formatDecimal } from '../shared/decimal.ts';
import { foldAgain, isSameProof, proofOf, rowsOfTurn } from '../shared/exclusion.ts';
import type { SessionView } from '../shared/session-view.ts';
import {
  excludeSignal,
  excludeUpdate,
  includeSignal,
  includeUpdate,
} from '../workflows/messages.ts';
import type { Temporal } from './connect.ts';
import { lookUntilExact } from './look-until-exact.ts';
import { fulfil, viewOfSession, type Wish } from '../platform/tell-session.ts';

export interface Turn {
  readonly project: string;
  readonly sessionId: string;
  /** What it is to be. */
  readonly isExcluded: boolean;
  /** Who wants that, and why. */
  readonly note: ActNote;
}

/** What a look beforehand needs of it. */
export type TurnToSee = Omit<Turn, 'note'>;

/** A row of `metrics`, as it would be added. */
export interface TurnedRow {
  readonly metricType: string;
  readonly granularity: string;
  /** RFC 3339, UTC. */
  readonly bucket: string;
  readonly dimension: string;
  readonly dimensionValue: string;
  readonly value: string;
  readonly count: number;
}

export interface DryRun {
  readonly project: string;
  readonly sessionId: string;
  /** Whether it is excluded now. */
  readonly excluded: boolean;
  /** What would be added to `metrics`; nothing where it is already so. */
  readonly rows: readonly TurnedRow[];
}

/**
 * Excludes a session, or includes it.
 * @param history where a closed one left what it knew
 * @returns what it is then, and whether it was so before
 * @throws SojournError `SJ_NOT_FOUND`; `SJ_NOT_EXACT` where it is too late; `SJ_TIMEOUT`
 */
export async function turnSession(
  { client }: Temporal,
  history: SessionHistory,
  turn: Turn,
): Promise<{ readonly view: SessionView; readonly already: boolean }> {
  const before = await viewOfSession(client, turn, OF_AN_IMPORT);
  return fulfil(client, history, turn, { wish: wishOf(turn), before });
}

function wishOf({ isExcluded, note }: Turn): Wish {
  return {
    signal: (isExcluded ? excludeSignal : includeSignal).name,
    signalArgs: [note],
    update: (handle) =>
      handle.executeUpdate(isExcluded ? excludeUpdate : includeUpdate, { args: [note] }),
    isDone: ({ excluded = false, turning }) => excluded === isExcluded && turning === undefined,
  };
}

const OF_AN_IMPORT =
  'A session that came by `sojourn import` can be neither excluded nor included: take its import back (`sojourn import undo ID`; `sojourn import list` has the id) and import files without it, or import it anew as it should be, for instance as that of a bot, with `sojourn import FILE --replace`';

/**
 * What a turn would add to the numbers. Changes nothing.
 * @throws SojournError `SJ_NOT_FOUND`; `SJ_NOT_EXACT` where it would be refused
 */
export async function dryRunOf(temporal: Temporal, turn: TurnToSee): Promise<DryRun> {
  const { project, sessionId } = turn;
  const { excluded, rows } = await lookBefore(temporal, turn);
  return { project, sessionId, excluded, rows: readableRows(rows) };
}

/** As {@link dryRunOf} does it, in rows that can be summed. */
export async function lookBefore(
  temporal: Temporal,
  turn: TurnToSee,
): Promise<{ readonly excluded: boolean; readonly rows: Contributions }> {
  const { excluded = false } = await viewOfSession(temporal.client, turn, OF_AN_IMPORT);
  if (excluded === turn.isExcluded) return { excluded, rows: new Map() };
  const rows = await lookUntilExact(temporal.client, turn, (actor, batches) => {
    const { version: catalogue } = actor.state.catalogue;
    const again = foldAgain(batches, { catalogue, isBounded: actor.isBounded });
    return isSameProof(again.proof, proofOf(actor.state)) ? rowsOfTurn(actor, again) : undefined;
  });
  return { excluded, rows };
}

/** Rows for people, those that come to nothing left out. */
export function readableRows(rows: Contributions): TurnedRow[] {
  return [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { value, count }]) => {
      const { metric, granularity, bucket, dimension, dimensionValue } = parseRowKey(key);
      return {
        metricType: metric,
        granularity,
        bucket: new Date(bucket).toISOString(),
        dimension,
        dimensionValue,
        value: formatDecimal(value),
        count,
      };
    });
}
