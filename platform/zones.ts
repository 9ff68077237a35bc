/**
 * The time zones of every process: the data of the one package that decides (docs/decisions/032). To take newer rules,
 * pin the next version of the package; to take another package, write another reader beside `shared/zones/packed.ts`.
 */
import { createRequire } from 'node:module';
import { createZones, type PackedZones, readPacked, type Zones } from '../shared/zones/index.ts';

/** Reads the data, some 10 ms the first time. The code of the package is not loaded. */
export function loadZones(): Zones {
  const data = createRequire(import.meta.url)('moment-timezone/data/packed/latest.json') as unknown;
  return createZones(readPacked(data as PackedZones));
}
