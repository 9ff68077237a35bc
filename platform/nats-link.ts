/** Whether a connection to NATS is there, and when that changes. */
import type { NatsConnection } from '@nats-io/transport-node';

export interface LinkChange {
  readonly type: 'disconnect' | 'reconnect';
  readonly server: string;
}

/**
 * What happens to a connection, changes only: lost, back, lost. The client itself tells of each login that is
 * refused meanwhile as of another loss, and of as many returns at once when one is taken.
 */
export function linkChanges(connection: Pick<NatsConnection, 'status'>): AsyncIterable<LinkChange> {
  // Heard from here on, not from when somebody asks for the first.
  return changesAmong(connection.status());
}

async function* changesAmong(
  all: ReturnType<NatsConnection['status']>,
): AsyncGenerator<LinkChange, void> {
  // Not known: who begins to listen while it is away hears first that it is back.
  let isThere: boolean | undefined;
  for await (const status of all) {
    if (status.type !== 'disconnect' && status.type !== 'reconnect') continue;
    const isBack = status.type === 'reconnect';
    if (isBack === isThere) continue;
    isThere = isBack;
    yield { type: status.type, server: status.server };
  }
}
