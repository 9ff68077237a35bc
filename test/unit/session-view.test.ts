import { expect } from 'chai';
import { noteAct, openActor, receive, snapshotOf } from '../../shared/actor.ts';
import { confirmWrite, rollupFor, writeRequest, writeResult } from '../../shared/write.ts';
import type { EndReason } from '../../shared/rollup.ts';
import { searchAttributesOf } from '../../shared/search-attributes.ts';
import { factsOf } from '../../shared/session.ts';
import { describeInMarkdown, viewOf } from '../../shared/session-view.ts';
import { aBatch, anActor, anEvent, NOON_ISH, SETTINGS } from '../support/builders.ts';

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
    const waiting = anActor([anEvent()], { checkpointMs: null });
    expect(viewOf(waiting, NOON_ISH)).to.have.property('nextStepAt');
    expect(viewOf(waiting, NOON_ISH, 'idle')).not.to.have.property('nextStepAt');
  });

  it('tells whether everything is written, and what it only waits for', () => {
    const actor = anActor([anEvent()]);
    const write = () => {
      const request = writeRequest(actor, { status: 'open' }, NOON_ISH);
      confirmWrite(actor, writeResult(rollupFor(request, undefined)), NOON_ISH);
    };
    write();
    expect(viewOf(actor, NOON_ISH)).to.include({ written: true, writes: 1, settling: false });

    receive(actor, aBatch(anEvent()), NOON_ISH);
    expect(viewOf(actor, NOON_ISH)).to.include({ written: false });
    write();
    actor.owesMore = true;
    expect(viewOf(actor, NOON_ISH)).to.include({ written: false, writes: 2 });
    expect(viewOf(actor, NOON_ISH)).not.to.have.property('nextStepAt');
  });

  it('tells that a session settles while it takes late events, and only then', () => {
    const reopened = (endReason: EndReason) => {
      const snapshot = snapshotOf(anActor([anEvent()]), endReason);
      const input = { project: 'shop', sessionId: 's-1', settings: SETTINGS, snapshot };
      return openActor({ ...input, batch: aBatch(anEvent()) }, 'run-2', NOON_ISH);
    };

    expect(viewOf(reopened('session_end'), NOON_ISH).settling).to.equal(true);
    expect(viewOf(reopened('operator'), NOON_ISH).settling).to.equal(true);
    expect(viewOf(reopened('session_end'), NOON_ISH, 'session_end').settling).to.equal(false);
    expect(viewOf(reopened('idle'), NOON_ISH).settling).to.equal(false);
  });

  it('is not there for a session without events', () => {
    expect(() => viewOf(anActor([]), NOON_ISH)).to.throw(RangeError, 'cannot be shown');
  });

  it('in Markdown says what tells it apart first, then all that is known', () => {
    const actor = anActor([
      anEvent({
        ...{ path: '/in', userId: 'ann', trafficSource: 'ads', country: 'DE' },
        deviceType: 'mobile',
      }),
      anEvent({ path: '/out', at: NOON_ISH + 1_500 }),
      anEvent({ type: 'purchase', revenue: '19.9', currency: 'EUR', at: NOON_ISH + 2_000 }),
    ]);

    expect(describeInMarkdown(viewOf(actor, NOON_ISH, 'session_end')).split('\n')).to.deep.equal([
      '**ended** (session_end) · DE · mobile · ads · 2 pages · 19.9 EUR · engaged',
      '',
      '2024-03-05T10:00:00.000Z to 2024-03-05T10:00:02.000Z, 2 s',
      '',
      '| | | | |',
      '|-|-|-|-|',
      '| Page views | 2 | Entry | /in |',
      '| Events | 3 | Exit | /out |',
      '| Conversions | 1 | User | ann |',
      '| Revenue | 19.9 EUR | Source | ads |',
      '| Bounced | no |  |  |',
      '| Writes | 0, more to come |  |  |',
    ]);
  });

  it('in Markdown names no currency where there are several, or none', () => {
    const revenueOf = (...currencies: (string | undefined)[]) => {
      const events = currencies.map((currency) =>
        anEvent({ type: 'purchase', revenue: '5', ...(currency && { currency }) }),
      );
      const [title] = describeInMarkdown(viewOf(anActor(events), NOON_ISH)).split('\n');
      return title?.split(' · ').at(-2);
    };

    expect(revenueOf('EUR', 'EUR')).to.equal('10 EUR');
    expect(revenueOf('EUR', 'USD')).to.equal('10');
    expect(revenueOf(undefined)).to.equal('5');
  });

  it('in Markdown has no line for what is not known', () => {
    const actor = anActor([anEvent()], { checkpointMs: null });
    expect(describeInMarkdown(viewOf(actor, NOON_ISH)).split('\n')).to.deep.equal([
      '**open** · 1 page · not engaged',
      '',
      '2024-03-05T10:00:00.000Z to 2024-03-05T10:00:00.000Z, 0 s',
      '',
      '| | | | |',
      '|-|-|-|-|',
      '| Page views | 1 |  |  |',
      '| Events | 1 |  |  |',
      '| Conversions | 0 |  |  |',
      '| Bounced | yes |  |  |',
      '| Writes | 0, more to come |  |  |',
      '| Next | 2024-03-05T10:30:00.000Z |  |  |',
    ]);
  });

  it('in Markdown cuts long texts, and makes one space of any white space', () => {
    const actor = anActor([anEvent({ path: `/a\n\n\tb${'x'.repeat(500)}` })]);
    const lines = describeInMarkdown(viewOf(actor, NOON_ISH)).split('\n');

    expect(lines).to.include(`| Page views | 1 | Entry | /a b${'x'.repeat(194)} |`);
  });

  it('in Markdown lets no producer write markup', () => {
    const actor = anActor([anEvent({ path: '/|<b>[a](b)`#', userId: '*ann*', country: '<i>' })]);
    const lines = describeInMarkdown(viewOf(actor, NOON_ISH)).split('\n');

    expect(lines[0]).to.equal('**open** · \\<i\\> · 1 page · not engaged');
    expect(lines).to.include('| Page views | 1 | Entry | /\\|\\<b\\>\\[a\\]\\(b\\)\\`\\# |');
    expect(lines.join('\n')).to.contain('| User | \\*ann\\* |');
  });

  it('in Markdown keeps each figure on its line, whatever a path holds', () => {
    const actor = anActor([anEvent({ path: '/a\n\nb\r\nc' })]);
    const [, , , , ...table] = describeInMarkdown(viewOf(actor, NOON_ISH)).split(/\r?\n/);

    expect(table.filter((line) => !/^\|.*\|$/.test(line))).to.deep.equal([]);
  });

  it('says in the UI who has asked for its end, and why, where that is how it ended', () => {
    const actor = anActor([anEvent()]);
    const title = (reason: EndReason) =>
      describeInMarkdown(viewOf(actor, NOON_ISH, reason)).split('\n', 1)[0];
    expect(title('operator')).to.match(/^\*\*ended\*\* \(operator\) ·/);

    // A signal may come without a word.
    noteAct(actor, 'end', {}, NOON_ISH);
    expect(title('operator')).to.match(/^\*\*ended\*\* \(operator\) ·/);

    noteAct(actor, 'end', { by: 'ben', reason: 'a <test>' }, NOON_ISH + 1_000);
    expect(title('operator')).to.contain('**ended** (operator), asked by ben (a \\<test\\>) ·');
    expect(title('idle')).to.match(/^\*\*ended\*\* \(idle\) ·/);

    noteAct(actor, 'end', { reason: 'a test' }, NOON_ISH + 2_000);
    expect(title('operator')).to.contain('(operator), asked by an operator (a test) ·');
  });

  it('says who has asked for what, and in the UI who has excluded it', () => {
    const actor = anActor([anEvent()]);
    actor.excluded = true;
    const title = () => describeInMarkdown(viewOf(actor, NOON_ISH)).split('\n', 1)[0];
    expect(viewOf(actor, NOON_ISH)).not.to.have.property('asked');
    expect(title()).to.contain('**excluded** by an operator ·');

    noteAct(actor, 'exclude', { by: 'anna@desk', reason: 'a [bot]' }, NOON_ISH);
    noteAct(actor, 'end', { by: 'ben' }, NOON_ISH + 1_500);

    expect(viewOf(actor, NOON_ISH).asked).to.deep.equal([
      { act: 'end', at: '2024-03-05T10:00:01.500Z', by: 'ben' },
      { act: 'exclude', at: '2024-03-05T10:00:00.000Z', by: 'anna@desk', reason: 'a [bot]' },
    ]);
    expect(title()).to.contain('**excluded** by anna@desk (a \\[bot\\]) ·');
  });
});

describe('the search attributes of a session', () => {
  it('hold no character that a store cannot', () => {
    const facts = factsOf(anActor([anEvent({ userId: 'a\0b\ud800' })]).state);
    if (facts === undefined) throw new Error('a session with an event has facts');

    expect(searchAttributesOf('shop', facts)).to.include({ SojournUser: 'a\uFFFDb\uFFFD' });
  });

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
