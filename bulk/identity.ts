/**
 * The identity of a session that no workflow has run: as the run ids of Temporal are (UUIDv7), so that it lies in the
 * table `sessions` where its time is, and made of the load and the session, so that it is the same whenever it is made.
 */
import { hash as digest } from 'node:crypto';

export interface IdentifiedSession {
  readonly project: string;
  readonly sessionId: string;
  /** Epoch milliseconds. */
  readonly firstEventAt: number;
}

export function identityOf(load: string, session: IdentifiedSession): string {
  const { project, sessionId, firstEventAt } = session;
  const hash = digest('sha256', JSON.stringify([load, project, sessionId]));
  const time = firstEventAt.toString(16).padStart(12, '0');
  // Digit by digit, for an import makes millions: the version in place of one, the variant in two bits of another one.
  const variant = (0x8 | (parseInt(hash.charAt(4), 16) & 0x3)).toString(16);
  const places = [time.slice(0, 8), time.slice(8), `7${hash.slice(1, 4)}`];
  return [...places, `${variant}${hash.slice(5, 8)}`, hash.slice(8, 20)].join('-');
}
