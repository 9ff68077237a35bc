/**
 * The time zones of every process: the data of the one package that decides (docs/decisions/032). To take newer rules,
 * pin the next version of the package; to take another package, write another reader beside `shared/zones/packed.ts`.
 */
import { createRequire } from 'node:module';
import {
  asViewsKnow,
  createZones,
  type PackedZones,
  readPacked,
  type Zones,
  type ZoneSource,
} from '../shared/zones/index.ts';

/** Reads the data, some 10 ms the first time. The code of the package is not loaded. */
export function loadZones(): Zones {
  return createZones(readSource());
}

/** The same with the offsets that the views have: for who shows their numbers beside its own. */
export function loadViewZones(): Zones {
  return createZones(asViewsKnow(readSource()));
}

function readSource(): ZoneSource {
  const data = createRequire(import.meta.url)('moment-timezone/data/packed/latest.json') as unknown;
  return readPacked(data as PackedZones);
}
