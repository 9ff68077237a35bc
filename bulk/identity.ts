/**
 * The identity of a session that no workflow has run: as the run ids of Temporal are (UUIDv7), so that it lies in the
 * table `sessions` where its time is, and made of the load and the session, so that it is the same whenever it is made.
 */
import { createHash } from 'node:crypto';

export interface IdentifiedSession {
  readonly project: string;
  readonly sessionId: string;
  /** Epoch milliseconds. */
  readonly firstEventAt: number;
}

export function identityOf(load: string, session: IdentifiedSession): string {
  const { project, sessionId, firstEventAt } = session;
  const hash = createHash('sha256')
    .update(JSON.stringify([load, project, sessionId]))
    .digest();
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(firstEventAt, 0, 6);
  hash.copy(bytes, 6, 0, 10);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
