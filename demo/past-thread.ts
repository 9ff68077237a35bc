/** The thread that makes the sessions of the past: so many at once as it is asked for, none at the end. */
import { parentPort, workerData } from 'node:worker_threads';
import type { WholeSession } from '../bulk/whole-session.ts';
import { loadZones } from '../platform/zones.ts';
import type { PastPlan } from './past.ts';
import { pastSessions } from './past-sessions.ts';

const sessions = pastSessions(workerData as PastPlan, loadZones());

parentPort?.on('message', (most: number) => {
  const some: WholeSession[] = [];
  for (let next = sessions.next(); next.done !== true; next = sessions.next()) {
    some.push(next.value);
    if (some.length === most) break;
  }
  // As text: objects as they are would take about as long to hand over as to make.
  parentPort?.postMessage(JSON.stringify(some));
});
