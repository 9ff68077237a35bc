/** The Temporal library says nothing in the test process: whichever file comes first says so for all of them. */
import { silentLog } from '../../platform/log.ts';
import { installTemporalRuntime } from '../../workers/host/session-worker.ts';

let isQuiet = false;

/** To be called before the first connection of the native library. */
export function quietTemporal(): void {
  if (isQuiet) return;
  isQuiet = true;
  installTemporalRuntime(silentLog);
}
