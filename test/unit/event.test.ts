import { expect } from 'chai';
import { kindOf } from '../../shared/event.ts';
import { anEvent } from '../support/builders.ts';

describe('the kind of an event', () => {
  it('is its type where that means something to a session, else custom', () => {
    const known = [
      'pageview',
      'session_start',
      'session_end',
      'purchase',
      'conversion',
      'heartbeat',
    ];
    const others = ['click', 'Purchase', 'page_view', 'custom', 'toString', ''];

    for (const type of known) expect(kindOf(anEvent({ type }))).to.equal(type);
    for (const type of others) expect(kindOf(anEvent({ type })), type).to.equal('custom');
  });
});
