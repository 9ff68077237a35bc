import { expect } from 'chai';
import { AddressError, parseView, type View } from '../../dashboard/address.ts';
import { sessionsIn } from '../../dashboard/conditions.ts';
import { createHostCheck, isLoopback } from '../../dashboard/hosts.ts';
import { localPath } from '../../dashboard/login.ts';
import { checkPassword } from '../../dashboard/password.ts';
import { partsOf, partsOfDays } from '../../dashboard/parts.ts';
import { bucketsOf, spanOf } from '../../dashboard/period.ts';
import { countsByDay, countsIn, listOf, visitorsBy } from '../../dashboard/queries.ts';
import { revenueBy } from '../../dashboard/revenue.ts';
import { temporalUrlOf } from '../../dashboard/sessions.ts';
import { loadZones } from '../../platform/zones.ts';

const DAYS = { from: '2026-03-01', to: '2026-03-31' };
const SPAN = spanOf(DAYS, 'Europe/Berlin', loadZones());
const WEEKS = bucketsOf(DAYS, 'week', { week: 'monday', today: DAYS.to });

describe('the address of the page', () => {
  it('has a default for everything but the project', () => {
    expect(parseView({ project: 'shop' })).to.deep.equal({
      project: 'shop',
      range: '30d',
      compare: 'previous',
      unit: undefined,
      audience: 'people',
      filters: [],
    });
  });

  it('reads days, filters and declared dimensions, and leaves what it does not know alone', () => {
    const view = parseView({
      project: 'shop',
      from: '2026-03-01',
      to: '2026-03-31',
      compare: 'year',
      unit: 'week',
      audience: 'everyone',
      country: ['IN', 'DE', 'IN'],
      'dim.plan': 'pro',
      measure: 'sessions',
      origins: 'campaign',
    });

    expect(view).to.deep.include({ range: DAYS, compare: 'year', unit: 'week' });
    expect(view.filters).to.deep.equal([
      { dimension: 'country', values: ['DE', 'IN'] },
      { dimension: 'dim.plan', values: ['pro'] },
    ]);
  });

  const wrong: readonly (readonly [string, Parameters<typeof parseView>[0], RegExp])[] = [
    ['no project', {}, /^project must be/],
    ['another project', { project: "a' OR 1" }, /^project must be/],
    ['no day', { project: 'a', from: '2026-02-30', to: '2026-03-01' }, /^from must be a day/],
    ['half a range', { project: 'a', from: '2026-02-01' }, /^to must be a day/],
    [
      'a range that ends first',
      { project: 'a', from: '2026-03-02', to: '2026-03-01' },
      /^from must not/,
    ],
    ['an unknown preset', { project: 'a', range: '31d' }, /^range must be today/],
    ['an unknown unit', { project: 'a', unit: 'minute' }, /^unit must be hour/],
    ['a parameter twice', { project: 'a', unit: ['day', 'week'] }, /^unit may be there once/],
    ['an empty filter', { project: 'a', country: '' }, /^country must have 1 to/],
    ['a long filter', { project: 'a', country: 'x'.repeat(1_025) }, /^country must have 1 to/],
    [
      'many values',
      { project: 'a', country: Array.from({ length: 21 }, (_, n) => `${n}`) },
      /^country may have 20/,
    ],
  ];
  for (const [what, parameters, sentence] of wrong) {
    it(`refuses ${what} in a sentence that names it`, () => {
      expect(() => parseView(parameters)).to.throw(AddressError, sentence);
    });
  }

  it('takes no other text for a dimension', () => {
    for (const name of ['dim.', 'dim.Plan', "dim.a'b", 'visitor', 'toString']) {
      expect(parseView({ project: 'a', [name]: 'x' }).filters, name).to.deep.equal([]);
    }
  });
});

describe('the queries of the page', () => {
  const view = (filters: View['filters']): View => ({
    ...parseView({ project: 'shop' }),
    filters,
  });
  const evil = `x') OR 1 = 1 --{project:String}`;

  it('bind what people choose, and write none of it', () => {
    const scope = view([
      { dimension: 'campaign', values: [evil] },
      { dimension: 'dim.plan', values: [evil, 'gold'] },
    ]);

    for (const { sql, params } of [
      countsByDay(scope, SPAN),
      visitorsBy(scope, SPAN, partsOf(SPAN, WEEKS)),
      revenueBy(scope, SPAN, partsOfDays(SPAN)),
      listOf(scope, 'dim.plan', SPAN, 10),
    ]) {
      expect(sql).not.to.contain(evil);
      expect(sql).not.to.contain('gold');
      expect(params).to.deep.include({
        project: 'shop',
        // Midnights of Berlin: in winter time, and after the last Sunday of the month in summer time.
        start: Date.parse('2026-02-28T23:00:00Z') / 1_000,
        end: Date.parse('2026-03-31T22:00:00Z') / 1_000,
        values0: [evil],
        dimension1: 'plan',
        values1: [evil, 'gold'],
      });
      // Each parameter of the query has a value, and each value is used.
      const named = [...sql.matchAll(/\{(\w+):\w/g)].map(([, name]) => name);
      expect([...new Set(named)].sort()).to.deep.equal(Object.keys(params).sort());
    }
  });

  it('have a value for each parameter also without a filter, and where a day is broken off', () => {
    const rest = { ...SPAN, from: DAYS.to, days: [DAYS.to], starts: SPAN.starts.slice(-1) };
    const broken = { whole: { ...SPAN, days: SPAN.days.slice(0, -1) }, rest };
    for (const audience of ['people', 'bots', 'everyone'] as const) {
      const scope = { ...view([]), audience };
      for (const { sql, params } of [
        ...countsIn(scope, { ...SPAN, broken }),
        revenueBy(scope, SPAN, partsOfDays(SPAN)),
      ]) {
        const named = [...sql.matchAll(/\{(\w+):\w/g)].map(([, name]) => name);
        expect([...new Set(named)].sort()).to.deep.equal(Object.keys(params).sort());
      }
    }
    expect(countsIn(view([]), { ...SPAN, broken })).to.have.length(2);
  });

  it('read the overview without a filter, and sessions with one', () => {
    const filter = { dimension: 'country', values: ['DE'] } as const;

    expect(countsByDay(view([]), SPAN).sql).to.contain('sojourn.metrics');
    expect(countsByDay(view([filter]), SPAN).sql).to.contain('sojourn.sessions');
  });

  it('filter by the name that lists give to none', () => {
    const { sql, params } = sessionsIn(view([{ dimension: 'channel', values: ['Direct'] }]), SPAN);

    expect(sql).to.contain("if(v.channel = '', 'Direct', toString(v.channel)) IN {values0");
    expect(params).to.deep.include({ values0: ['Direct'] });
  });
});

describe('who may see the page', () => {
  it('has names that nobody else can point here', () => {
    const isOurs = createHostCheck('https://numbers.example/');

    for (const host of [
      'localhost:8090',
      '127.0.0.1:8090',
      '[::1]:8090',
      '192.168.1.7',
      'Numbers.Example',
      'numbers.example:443',
      'a.localhost',
    ]) {
      expect(isOurs(host), host).to.equal(true);
    }
    for (const host of [
      undefined,
      '',
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'numbers.example.evil',
      'a@localhost',
      'localhost/x',
    ]) {
      expect(isOurs(host), String(host)).to.equal(false);
    }
  });

  it('needs a password as soon as others can reach it', () => {
    expect(['127.0.0.1', '::1', 'localhost', '127.1.2.3'].every(isLoopback)).to.equal(true);
    expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.evil'].some(isLoopback)).to.equal(false);
    const open = {
      DASHBOARD_HOST: '0.0.0.0',
      DASHBOARD_PASSWORD: undefined,
      DASHBOARD_URL: undefined,
    };

    expect(() => {
      checkPassword(open);
    }).to.throw(/DASHBOARD_PASSWORD/);
    checkPassword({ ...open, DASHBOARD_PASSWORD: 'long enough' });
    const here = { ...open, DASHBOARD_HOST: '127.0.0.1' };
    for (const DASHBOARD_URL of [undefined, 'http://127.0.0.1:8090', 'http://localhost:8090']) {
      checkPassword({ ...here, DASHBOARD_URL });
    }
    // Behind a proxy that listens for others.
    const proxied = { ...here, DASHBOARD_URL: 'https://numbers.example' };
    expect(() => {
      checkPassword(proxied);
    }).to.throw(/DASHBOARD_URL.*DASHBOARD_PASSWORD/);
    checkPassword({ ...proxied, DASHBOARD_PASSWORD: 'long enough' });
  });

  it('is sent nowhere else after the login', () => {
    expect(localPath('/?project=shop&country=DE')).to.equal('/?project=shop&country=DE');
    for (const next of [
      undefined,
      '//evil.example',
      '/\\evil.example',
      'https://evil',
      '/login',
      '/a\nb',
    ]) {
      expect(localPath(next), String(next)).to.equal('/');
    }
  });

  it('finds a session of any id in the Temporal UI', () => {
    const where = { temporalUiUrl: 'http://127.0.0.1:8233/', temporalNamespace: 'default' };

    expect(temporalUrlOf(where, 'shop', 'a/b?c')).to.equal(
      'http://127.0.0.1:8233/namespaces/default/workflows/session%2Fshop%2Fa%2Fb%3Fc',
    );
    expect(temporalUrlOf({ ...where, temporalUiUrl: undefined }, 'shop', 'a')).to.equal(null);
  });
});
