/** Records that a session finds under its numbers and knows nothing of, as where Temporal was put back to an older copy. */
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats, createRollupLog } from '../../platform/nats.ts';
import { rollupSubject } from '../../shared/ids.ts';
import { decodeRollup, entryOf, type Rollup } from '../../shared/rollup.ts';
import { environmentOf, type KnownServers } from '../support/pipeline.ts';

/**
 * Puts one behind the newest record of a session: the same rows again, of one event more.
 * @param identity first run of the session
 * @param by first run of the chain that wrote it; the session's own where it is left out
 */
export async function plantRecord(
  servers: KnownServers,
  identity: string,
  by?: string,
): Promise<void> {
  const config = requireServers(loadConfig(environmentOf(servers)), ['NATS_URL']);
  const nats = await connectNats(config, 'record', silentLog);
  try {
    const log = createRollupLog(nats);
    let newest: Rollup | undefined;
    for (let writeNo = 1; ; writeNo += 1) {
      const text = await log.read(rollupSubject(0, identity, writeNo));
      if (text === undefined) break;
      newest = decodeRollup(text);
    }
    if (newest === undefined) throw new Error(`the log has nothing of ${identity}`);
    const { writeNo, session } = newest;
    const planted: Rollup = {
      ...newest,
      writeNo: writeNo + 1,
      by: by ?? newest.by,
      session: { ...session, events: session.events + 1 },
    };
    const { subject, data, workflowId } = entryOf(planted);
    await log.append(subject, data, workflowId);
  } finally {
    await nats.connection.close();
  }
}
