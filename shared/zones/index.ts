/** The door of the folder: time zones, from data that is pinned and the same everywhere (docs/decisions/032). */
export { createDayTurned, type DayTurned, ZONE_YEARS } from './day-turns.ts';
export { LOCAL_UNITS, type LocalUnit } from './local-time.ts';
export { type PackedZones, readPacked } from './packed.ts';
export { readSlice, sliceOf, type ZoneRow, zoneRows, type ZoneSlice } from './rows.ts';
export type { Transition, ZoneRules, ZoneSource } from './rules.ts';
export { asViewsKnow } from './view-years.ts';
export { createZones, type Zones } from './zones.ts';
