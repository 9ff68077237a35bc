import { expect } from 'chai';
import { searchAttributesOf } from '../../shared/search-attributes.ts';
import { factsOf } from '../../shared/session.ts';
import { describeInMarkdown, viewOf } from '../../shared/session-view.ts';
import { anActor, anEvent, NOON_ISH } from '../support/builders.ts';

describe('the view of a session', () => {
  it('shows its figures, and when it does something next', () => {
    const actor = anActor(
      [anEvent({ path: '/in' }), anEvent({ type: 'purchase', revenue: '5', at: NOON_ISH + 1_500 })],
      { checkpointMs: null },
    );

    expect(viewOf(actor, NOON_ISH)).to.include({
      project: 'shop',
      sessionId: 's-1',
      status: 'open',
      firstEventAt: '2024-03-05T10:00:00.000Z',
      lastEventAt: '2024-03-05T10:00:01.500Z',
      durationSeconds: 1.5,
      pageViews: 1,
      conversions: 1,
      revenue: '5',
      engaged: true,
      entryPath: '/in',
      firstRunId: 'run-1',
      writes: 0,
      written: false,
      settling: false,
      nextStepAt: '2024-03-05T10:30:00.000Z',
    });
  });

  it('is over where the session has ended', () => {
    const view = viewOf(anActor([anEvent()]), NOON_ISH, 'idle');

    expect(view).to.include({ status: 'ended', endReason: 'idle' });
    expect(view).not.to.have.property('nextStepAt');
  });

  it('in Markdown lets no producer write markup', () => {
    const actor = anActor([anEvent({ path: '/|<b>[a](b)`#', userId: '*ann*' })]);
    const lines = describeInMarkdown(viewOf(actor, NOON_ISH)).split('\n');

    expect(lines).to.include('| Page views | 1 |');
    expect(lines).to.include('| User | \\*ann\\* |');
    expect(lines).to.include('| Entry | /\\|\\<b\\>\\[a\\]\\(b\\)\\`\\# |');
  });

  it('in Markdown keeps each figure on its line, whatever a path holds', () => {
    const actor = anActor([anEvent({ path: '/a\n\nb\r\nc' })]);
    const [, , ...table] = describeInMarkdown(viewOf(actor, NOON_ISH)).split(/\r?\n/);

    expect(table.filter((line) => !/^\|.*\|$/.test(line))).to.deep.equal([]);
  });
});

describe('the search attributes of a session', () => {
  const attributesAfter = (fields: Parameters<typeof anEvent>[0]) => {
    const facts = factsOf(anActor([anEvent(fields)]).state);
    if (facts === undefined) throw new Error('no facts');
    return searchAttributesOf('shop', facts);
  };

  it('leave out what it does not have', () => {
    expect(attributesAfter({})).to.deep.equal({ SojournProject: 'shop', SojournEngaged: false });
  });

  it('are what operators look for, cut to what can be indexed', () => {
    const fields = {
      userId: 'u'.repeat(256),
      trafficSource: 'google',
      country: 'DE',
      deviceType: 'mobile',
      type: 'purchase',
    };

    expect(attributesAfter(fields)).to.deep.equal({
      SojournProject: 'shop',
      SojournUser: 'u'.repeat(255),
      SojournTrafficSource: 'google',
      SojournCountry: 'DE',
      SojournDevice: 'mobile',
      SojournEngaged: true,
    });
  });
});
