import type { NatsConnection } from '@nats-io/transport-node';
import { expect } from 'chai';
import { type LinkChange, linkChanges } from '../../platform/nats-link.ts';

describe('a connection to NATS', () => {
  /** Changes that somebody is told of, where the client tells of these. */
  async function changesIn(told: readonly string[]): Promise<readonly LinkChange[]> {
    async function* status() {
      for (const type of told) yield await Promise.resolve({ type, server: 'nats.example:4222' });
    }
    const connection = { status } as unknown as NatsConnection;
    const changes: LinkChange[] = [];
    for await (const change of linkChanges(connection)) changes.push(change);
    return changes;
  }

  it('is lost once and back once, however often its login was refused meanwhile', async () => {
    const changes = await changesIn([
      ...['ping', 'disconnect', 'reconnecting', 'error', 'disconnect', 'error', 'disconnect'],
      ...['reconnect', 'reconnect', 'reconnect', 'disconnect', 'reconnect', 'close'],
    ]);

    const types = ['disconnect', 'reconnect', 'disconnect', 'reconnect'];
    expect(changes).to.deep.equal(types.map((type) => ({ type, server: 'nats.example:4222' })));
  });

  it('is back for who began to listen while it was away', async () => {
    const changes = await changesIn(['error', 'reconnect', 'reconnect', 'disconnect']);

    expect(changes.map(({ type }) => type)).to.deep.equal(['reconnect', 'disconnect']);
  });
});
