/** What a core subscriber hears of `metrics.updated.*`. */
import type { Msg } from '@nats-io/transport-node';
import { expect } from 'chai';

/**
 * Each announcement once: one that was not acknowledged in time is announced again under its id. The stream keeps one; who
 * listens hears both. Each has to have an id.
 */
export async function* announcedOnce(heard: AsyncIterable<Msg>): AsyncGenerator<Msg, void> {
  const ids = new Set<string>();
  for await (const message of heard) {
    const id = message.headers?.get('Nats-Msg-Id') ?? '';
    expect(id).not.to.equal('');
    if (ids.has(id)) continue;
    ids.add(id);
    yield message;
  }
}
