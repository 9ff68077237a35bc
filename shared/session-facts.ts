/** A session in figures: what the catalogue measures of it, and what people are shown. */
import type { Attributes } from './event.ts';
import type { PurseWire } from './purse.ts';

/** Amounts of events that are also filed under attributes of the session, by metric and bucket. */
export type TalliesWire = readonly (readonly [key: string, value: string, count: number])[];

/** What the catalogue measures of a session, and what people are shown of it. */
export interface SessionFigures {
  /** Epoch milliseconds UTC. */
  readonly firstEventAt: number;
  readonly lastEventAt: number;
  readonly durationMs: number;
  readonly events: number;
  /** Beside the events; absent where there were none. */
  readonly heartbeats?: number;
  readonly pageViews: number;
  readonly conversions: number;
  /** Decimal text. */
  readonly revenue: string;
  /** The same by currency, decimal texts; `''` where none was given. Absent where there was none. */
  readonly revenueByCurrency?: PurseWire;
  readonly engaged: boolean;
  readonly bounced: boolean;
  readonly attributes: Attributes;
  readonly entryPath?: string;
  readonly exitPath?: string;
  /** New (true) or returning (false); absent while the session has no user or nobody has looked. */
  readonly newUser?: boolean;
}

/** All that a session's rows follow from, as requests of version 1 carry it. */
export interface SessionFacts extends SessionFigures {
  readonly tallies: TalliesWire;
}
