import type { NatsConnection } from '@nats-io/transport-node';
import { expect } from 'chai';
import { type LinkChange, linkChanges } from '../../platform/nats-link.ts';

describe('a connection to NATS', () => {
  it('is lost once and back once, however often its login was refused meanwhile', async () => {
    const told = [
      ...['ping', 'disconnect', 'reconnecting', 'error', 'disconnect', 'error', 'disconnect'],
      ...['reconnect', 'reconnect', 'reconnect', 'disconnect', 'reconnect', 'close'],
    ].map((type) => ({ type, server: 'nats.example:4222' }));
    async function* status() {
      for (const one of told) yield await Promise.resolve(one);
    }
    const connection = { status } as unknown as NatsConnection;

    const changes: LinkChange[] = [];
    for await (const change of linkChanges(connection)) changes.push(change);

    const types = ['disconnect', 'reconnect', 'disconnect', 'reconnect'];
    expect(changes).to.deep.equal(types.map((type) => ({ type, server: 'nats.example:4222' })));
  });
});
