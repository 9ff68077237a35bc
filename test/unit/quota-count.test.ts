import { expect } from 'chai';
import type { Logger } from '../../platform/log.ts';
import type { Nats } from '../../platform/nats.ts';
import { countQuota } from '../../platform/quota-count.ts';
import { DEFAULT_SETTINGS } from '../../shared/project.ts';
import { eventually } from '../support/eventually.ts';

describe('a quota that cannot be counted', () => {
  it('is warned of once that lasts, and not for each try', async () => {
    const refused = new Error('Permissions Violation for Publish to "$JS.API.CONSUMER.CREATE"');
    const nats = { jsm: { streams: { info: () => Promise.reject(refused) } } } as unknown as Nats;
    const said: { readonly level: string; readonly project: string; readonly err: Error }[] = [];
    const saying = (level: string) => (fields: { project: string; err: Error }) =>
      said.push({ level, ...fields });
    const log = { debug: saying('debug'), warn: saying('warn') } as unknown as Logger;
    // Each look at the clock is 4 s later.
    let clock = 0;
    const count = countQuota({
      ...{ nats, log, project: 'shop' },
      settings: () => DEFAULT_SETTINGS,
      first: { receivedAt: Date.now() },
      now: () => (clock += 4_000),
    });
    try {
      await eventually(
        () => {
          expect(said.map(({ level }) => level).join(' ')).to.match(/^debug( debug)+ warn debug/);
        },
        { withinMs: 20_000 },
      );
    } finally {
      count.stop();
    }
    const warned = said.find(({ level }) => level === 'warn');
    expect(warned).to.include({ project: 'shop', err: refused });
  });
});
