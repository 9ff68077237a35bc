import { expect } from 'chai';
import { sessionsOf } from '../../operations/recent-sessions.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('the sessions that a message names', () => {
  it('are that of an event, and those of an array', () => {
    expect(sessionsOf('events.shop.x', bytes('{"sessionId":"a/b"}'))).to.deep.equal([
      'session/shop/a/b',
    ]);
    expect(
      sessionsOf('events.shop.x', bytes('[{"sessionId":"a"},null,7,{"sessionId":"b"}]')),
    ).to.deep.equal(['session/shop/a', 'session/shop/b']);
  });

  for (const bad of ['', 'text', 'null', '7', '{"sessionId":7}', '{"sessionId":""}']) {
    it(`are none in ${JSON.stringify(bad)}`, () => {
      expect(sessionsOf('events.shop.x', bytes(bad))).to.deep.equal([]);
    });
  }
});
