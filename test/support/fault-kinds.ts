/**
 * What operators do, as kinds of fault beside the kills. The rows equal the reference after each of them, or the kind
 * says which loss the docs name, and asserts that `audit` tells of it.
 */
import type { ServerName } from '../../servers/index.ts';
import * as definitions from './operators/definitions.ts';
import type { Doing } from './operators/doing.ts';
import * as sessions from './operators/sessions.ts';
import * as stores from './operators/stores.ts';
import * as streams from './operators/streams.ts';

export interface Kind {
  readonly act: (doing: Doing) => Promise<void>;
  /** Servers that have to be there for it, so that no kill comes in between. */
  readonly needs: readonly ServerName[];
  /** Servers that it stops itself: nobody else may need them meanwhile. */
  readonly stops?: readonly ServerName[];
  /** After the traffic, alone: it would lose what is under way, as whoever does it knows. */
  readonly isQuiet?: true;
  /** Takes some ten seconds, alone or while others wait for it: left to the long form. */
  readonly isSlow?: true;
  /** Why a run leaves it out unless it is asked for by name (`--kinds`). */
  readonly off?: string;
}

const temporal = ['temporal'] as const;
const nats = ['nats'] as const;
const clickhouse = ['clickhouse'] as const;
const allThree = ['nats', 'temporal', 'clickhouse'] as const;
const loader = ['nats', 'temporal', 'clickhouse'] as const;

/** To turn one on, take away its `off`. */
export const KINDS = {
  terminate: { act: sessions.terminate, needs: temporal },
  'terminate fresh': { act: sessions.terminateFresh, needs: allThree },
  cancel: { act: sessions.cancel, needs: temporal },
  reset: { act: sessions.reset, needs: temporal },
  'reset late': { act: sessions.resetLate, needs: allThree },
  'reset an older run': { act: sessions.resetOlderRun, needs: allThree },
  delete: { act: sessions.deleteSessions, needs: allThree, isSlow: true },
  exclude: { act: sessions.exclude, needs: allThree, isSlow: true },
  'exclude and include': { act: sessions.excludeAndInclude, needs: allThree },
  restate: { act: definitions.restate, needs: allThree, isSlow: true },
  'stray signals': { act: sessions.straySignals, needs: allThree },
  migrate: { act: streams.migrateTwice, needs: allThree },
  'consumer anew': { act: streams.consumerAnew, needs: allThree, isQuiet: true, isSlow: true },
  'events purged': { act: streams.eventsPurged, needs: nats, isSlow: true },
  'events anew': { act: streams.eventsAnew, needs: allThree, isQuiet: true, isSlow: true },
  'dead letters anew': {
    act: streams.deadLettersAnew,
    needs: allThree,
    isQuiet: true,
    isSlow: true,
  },
  'bad headers': { act: streams.badHeaders, needs: nats },
  'large messages': { act: streams.largeMessages, needs: nats },
  flood: { act: streams.flood, needs: nats, isSlow: true },
  'table detached': { act: stores.tableDetached, needs: clickhouse, isSlow: true },
  'view detached': { act: stores.viewDetached, needs: allThree, isQuiet: true, isSlow: true },
  'table emptied': { act: stores.tableEmptied, needs: clickhouse, isQuiet: true, isSlow: true },
  'redis emptied': { act: stores.redisEmptied, needs: ['redis'] },
  'redis put back': { act: stores.redisPutBack, needs: [], stops: ['redis'], isSlow: true },
  'rollups anew': { act: streams.writtenStreamsAnew, needs: allThree, isQuiet: true, isSlow: true },
  'nats put back': { act: stores.natsPutBack, needs: [], isQuiet: true, isSlow: true },
  'loader terminated': { act: stores.loaderTerminated, needs: loader, isQuiet: true, isSlow: true },
  'loader reset': { act: stores.loaderReset, needs: loader, isQuiet: true, isSlow: true },
} as const satisfies Readonly<Record<string, Kind>>;

export type KindName = keyof typeof KINDS;
export const KIND_NAMES = Object.keys(KINDS) as readonly KindName[];

export function kindOf(name: KindName): Kind {
  return KINDS[name];
}
