/** Who runs a command, for those who ask later who has done what. */
import { hostname, userInfo } from 'node:os';

/** `anna@desk`: the user of the operating system, and the host. */
export function operatorName(): string {
  return `${userName()}@${hostname()}`;
}

/** A container may have a user that nothing has a name for. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? '?'}`;
  }
}

/** How Temporal's histories name whoever runs a command. */
export function operatorIdentity(): string {
  return `sojourn-cli ${operatorName()}`;
}
