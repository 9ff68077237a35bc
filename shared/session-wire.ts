/** What a session remembers, as JSON: for a run that goes on with it, or reopens it. */
import { formatDecimal, readUnits } from './decimal.ts';
import { catalogueOf } from './catalogue.ts';
import { type Attribute, ATTRIBUTES, type Declared, isDeclared } from './event.ts';
import { decodeIds, encodeIds, type IdsWire, rememberedId } from './event-ids.ts';
import { purseFromWire, purseToWire, type PurseWire } from './purse.ts';
import type { SessionState, Sighting } from './session.ts';
import type { TalliesWire } from './session-facts.ts';
import {
  decodeTallies,
  encodeTallies,
  talliesFromWire,
  type TalliesText,
  talliesToWire,
} from './tables.ts';

interface FiguresWire {
  /** The version of the catalogue that the session began with; 1 where nobody says. */
  readonly catalogue?: number;
  readonly firstEventAt?: number;
  readonly lastEventAt?: number;
  readonly events: number;
  readonly heartbeats?: number;
  readonly pageViews: number;
  readonly conversions: number;
  readonly revenue: string;
  readonly purse?: PurseWire;
  readonly endSeen: boolean;
  readonly attributes: Readonly<Partial<Record<Attribute | Declared, Sighting>>>;
  readonly entry?: Sighting;
  readonly exit?: Sighting;
}

/** The state as JSON, for a continued or reopened run. */
export interface SessionStateWire extends FiguresWire {
  readonly ids: IdsWire;
  readonly tallies: TalliesText;
}

/** The state as sessions kept it that had no bound in bytes. */
export interface WideStateWire extends FiguresWire {
  readonly ids: readonly (readonly [id: string, seq: number])[];
  readonly tallies: TalliesWire;
}

/** The state as JSON. */
export function stateToWire(state: SessionState): SessionStateWire {
  return {
    ids: encodeIds(state.ids),
    ...figuresToWire(state),
    tallies: encodeTallies(state.tallies),
  };
}

/** The state of a session that has no bound in bytes, as workers and ingests of before read it. */
export function wideStateToWire(state: SessionState): WideStateWire {
  return {
    ids: [...state.ids],
    ...figuresToWire(state),
    tallies: talliesToWire(state.tallies),
  };
}

function figuresToWire(state: SessionState): FiguresWire {
  const { firstEventAt, lastEventAt, entry, exit, heartbeats, purse } = state;
  const { version } = state.catalogue;
  return {
    ...(version > 1 && { catalogue: version }),
    ...(firstEventAt !== undefined && { firstEventAt }),
    ...(lastEventAt !== undefined && { lastEventAt }),
    events: state.events,
    ...(heartbeats > 0 && { heartbeats }),
    pageViews: state.pageViews,
    conversions: state.conversions,
    revenue: formatDecimal(state.revenue),
    ...(purse.size > 0 && { purse: purseToWire(purse) }),
    endSeen: state.endSeen,
    attributes: Object.fromEntries(state.attributes),
    ...(entry && { entry }),
    ...(exit && { exit }),
  };
}

/** The inverse of {@link stateToWire} and of {@link wideStateToWire}. */
export function stateFromWire(
  wire: SessionStateWire | WideStateWire,
  isBounded = true,
): SessionState {
  const isWide = Array.isArray(wire.tallies);
  return {
    ids: isWide
      ? wideIds((wire as WideStateWire).ids, isBounded)
      : decodeIds((wire as SessionStateWire).ids),
    isBounded,
    catalogue: catalogueOf(wire.catalogue ?? 1),
    firstEventAt: wire.firstEventAt,
    lastEventAt: wire.lastEventAt,
    events: wire.events,
    heartbeats: wire.heartbeats ?? 0,
    pageViews: wire.pageViews,
    conversions: wire.conversions,
    revenue: readUnits(wire.revenue),
    purse: purseFromWire(wire.purse),
    endSeen: wire.endSeen,
    attributes: new Map(
      [...ATTRIBUTES, ...Object.keys(wire.attributes).filter(isDeclared)].flatMap((name) => {
        const sighting = wire.attributes[name];
        return sighting === undefined ? [] : [[name, sighting] as const];
      }),
    ),
    entry: wire.entry,
    exit: wire.exit,
    tallies: isWide
      ? talliesFromWire((wire as WideStateWire).tallies)
      : decodeTallies((wire as SessionStateWire).tallies),
  };
}

function wideIds(ids: WideStateWire['ids'], isBounded: boolean): Map<string, number> {
  return new Map(ids.map(([id, seq]) => [isBounded ? rememberedId(id) : id, seq]));
}
