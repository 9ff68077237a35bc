import { expect } from 'chai';
import fc from 'fast-check';
import { versionOf } from '../../platform/project-rows.ts';
import { loadZones } from '../../platform/zones.ts';
import { BUILT_IN_DIMENSIONS, CATALOGUE_VERSION, catalogueOf } from '../../shared/catalogue.ts';
import { DECLARED_DIMENSIONS_MAX, OWN_HOSTS_MAX } from '../../shared/limits.ts';
import {
  changesBetween,
  changeSettings,
  namedIn,
  type SettingsChange,
} from '../../shared/project-change.ts';
import {
  DEFAULT_SETTINGS,
  encodeSettings,
  isSameSettings,
  parseSettings,
  type ProjectSettings,
} from '../../shared/project.ts';
import { Fault } from '../../shared/fault.ts';

const { isZone } = loadZones();

const parse = (value: unknown) => parseSettings(JSON.stringify(value), isZone);

/** @throws where the change is refused */
function changed(change: SettingsChange, old: ProjectSettings = DEFAULT_SETTINGS): ProjectSettings {
  const settings = changeSettings(old, change, isZone);
  if (settings instanceof Fault) throw new Error(settings.reason);
  return settings;
}

function refusal(change: SettingsChange, old: ProjectSettings = DEFAULT_SETTINGS): string {
  const settings = changeSettings(old, change, isZone);
  return settings instanceof Fault ? settings.reason : 'not refused';
}

const SHOP: ProjectSettings = {
  timeZone: 'Europe/Berlin',
  week: 'sunday',
  currency: 'EUR',
  ownHosts: ['a.example', 'b.example'],
  dimensions: { plan: 'plan', tier: 'user.tier' },
  collectKeys: ['a-key', 'shop.example'],
};

const names = fc
  .stringMatching(/^[a-z][a-z0-9_]{0,62}$/)
  .filter((name) => !BUILT_IN_DIMENSIONS.has(name));
const hosts = fc.domain().map((host) => host.toLowerCase());
const texts = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  .filter((text) => text.trim() === text && /^\P{C}{1,16}$/u.test(text));

const edits = (added: fc.Arbitrary<string>, removed: fc.Arbitrary<string>) =>
  fc.array(
    fc.oneof(
      added.map((add) => ({ add })),
      removed.map((remove) => ({ remove })),
    ),
    { maxLength: 4 },
  );

const changes: fc.Arbitrary<SettingsChange> = fc.record(
  {
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'Asia/Calcutta'),
    week: fc.constantFrom('monday', 'sunday'),
    currency: fc.oneof(fc.constant(false as const), texts),
    ownHosts: edits(hosts, hosts),
    dimensions: edits(
      fc.tuple(names, texts).map(([name, property]) => `${name}=properties.${property}`),
      names,
    ),
    collectKeys: edits(hosts, hosts),
  },
  { requiredKeys: [] },
);

describe('the settings of a project', () => {
  it('are read as they were written, whatever was changed, and equal ones are the same text', () => {
    fc.assert(
      fc.property(fc.array(changes, { maxLength: 4 }), (all) => {
        const settings = all.reduce((old, change) => changed(change, old), DEFAULT_SETTINGS);

        const read = parseSettings(encodeSettings(settings), isZone);

        expect(read).to.deep.equal({ settings, faults: [] });
        expect(encodeSettings(read.settings)).to.equal(encodeSettings(settings));
      }),
    );
  });

  it('are the same when a change is made twice', () => {
    fc.assert(
      fc.property(changes, changes, (first, second) => {
        const once = changed(second, changed(first));

        expect(isSameSettings(changed(second, once), once)).to.equal(true);
      }),
    );
  });

  it('are there whatever lies in the bucket', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const { settings } = parseSettings(text, isZone);

        expect(parseSettings(encodeSettings(settings), isZone)).to.deep.equal({
          settings,
          faults: [],
        });
      }),
    );
  });

  it('have the default for each value that breaks a rule, and say which', () => {
    const { settings, faults } = parse({
      timeZone: 'europe/berlin',
      week: 'friday',
      currency: 7,
      ownHosts: ['good.example', 'https://bad.example/', null],
      dimensions: { plan: 'plan', country: 'x', tier: 3, Bad: 'x' },
    });

    expect(settings).to.deep.equal({
      ...DEFAULT_SETTINGS,
      ownHosts: ['good.example'],
      dimensions: { plan: 'plan' },
    });
    const said = faults.join('\n');
    for (const part of ['time zone', 'week', 'currency', 'own host', 'country', 'tier', 'Bad']) {
      expect(said).to.contain(part);
    }
  });

  it('are the defaults, and a fault, for what is no JSON object', () => {
    for (const text of ['', 'null', '[]', '7', '{"a"']) {
      const { settings, faults } = parseSettings(text, isZone);
      expect(settings, text).to.equal(DEFAULT_SETTINGS);
      expect(faults, text).to.have.length(1);
    }
  });

  it('keep what cannot be read of those that are not named', () => {
    const before = '{"timeZone":"Mars/Olympus","week":"monday"}';
    const change = { week: 'sunday' };

    const after = encodeSettings(changed(change), before, namedIn(change));

    expect(JSON.parse(after)).to.deep.equal({ timeZone: 'Mars/Olympus', week: 'sunday' });
    const mended = { timeZone: 'UTC' };
    expect(JSON.parse(encodeSettings(changed(mended), after, namedIn(mended)))).to.deep.equal({
      timeZone: 'UTC',
      week: 'sunday',
    });
  });

  it('keep what a newer version has written beside them', () => {
    const before = JSON.stringify({ archive: '13 months', currency: 'EUR' });

    const after = encodeSettings(changed({ currency: false }), before);

    expect(JSON.parse(after)).to.include({ archive: '13 months', currency: null });
    expect(parseSettings(after, isZone)).to.deep.equal({ settings: DEFAULT_SETTINGS, faults: [] });
  });
});

describe('a change of settings', () => {
  it('sets what is named and leaves the rest', () => {
    const change = {
      timeZone: 'America/New_York',
      dimensions: [{ add: 'seat=properties.seat' }, { remove: 'tier' }],
    };

    expect(changed(change, SHOP)).to.deep.equal({
      ...SHOP,
      timeZone: 'America/New_York',
      dimensions: { plan: 'plan', seat: 'seat' },
    });
  });

  it('takes away, also what is not there', () => {
    const none = {
      currency: false as const,
      ownHosts: [{ remove: 'a.example' }, { remove: 'never.example' }],
      dimensions: [{ remove: 'never' }],
    };

    const { currency: _gone, ...rest } = SHOP;
    expect(changed(none, SHOP)).to.deep.equal({ ...rest, ownHosts: ['b.example'] });
  });

  it('follows the order of its flags', () => {
    const plan = (...dimensions: NonNullable<SettingsChange['dimensions']>) =>
      changed({ dimensions }).dimensions;

    expect(plan({ remove: 'plan' }, { add: 'plan=a' }, { add: 'plan=b' })).to.deep.equal({
      plan: 'b',
    });
    expect(plan({ add: 'plan=a' }, { remove: 'plan' })).to.deep.equal({});
  });

  it('reads hosts as they are compared: small letters, no closing dot, each once', () => {
    const ownHosts = ['Shop.Example', 'shop.example.', ' b.example '].map((add) => ({ add }));

    expect(changed({ ownHosts }).ownHosts).to.deep.equal(['b.example', 'shop.example']);
  });

  it('takes a property with or without the word, and only the first of it', () => {
    const of = (add: string) => changed({ dimensions: [{ add }] }).dimensions;

    expect(of('plan=plan')).to.deep.equal({ plan: 'plan' });
    expect(of('plan=properties.user.plan')).to.deep.equal({ plan: 'user.plan' });
    expect(of('plan=properties.properties.a=b')).to.deep.equal({ plan: 'properties.a=b' });
  });

  for (const [flag, change] of [
    ['--time-zone', { timeZone: 'Nowhere' }],
    ['--time-zone', { timeZone: 'europe/berlin' }],
    ['--time-zone', { timeZone: '' }],
    ['--week', { week: 'friday' }],
    ['--currency', { currency: '' }],
    ['--currency', { currency: 'x'.repeat(17) }],
    ['--currency', { currency: 'a\nb' }],
    ['--own-host', { ownHosts: [{ add: 'https://shop.example' }] }],
    ['--own-host', { ownHosts: [{ add: 'shop.example:443' }] }],
    ['--own-host', { ownHosts: [{ add: 'shop.example/path' }] }],
    ['--own-host', { ownHosts: [{ add: '*.shop.example' }] }],
    ['--own-host', { ownHosts: [{ add: '-a.example' }] }],
    ['--own-host', { ownHosts: [{ add: `${'a'.repeat(64)}.example` }] }],
    ['--own-host', { ownHosts: [{ add: `${'a.'.repeat(126)}example` }] }],
    ['--own-host', { ownHosts: [{ add: '' }] }],
    ['--no-own-host', { ownHosts: [{ remove: 'a b' }] }],
    ['--dimension', { dimensions: [{ add: 'plan' }] }],
    ['--dimension', { dimensions: [{ add: 'plan=' }] }],
    ['--dimension', { dimensions: [{ add: '=plan' }] }],
    ['--dimension', { dimensions: [{ add: 'Plan=plan' }] }],
    ['--dimension', { dimensions: [{ add: 'bot:plan=plan' }] }],
    ['--dimension', { dimensions: [{ add: `${'a'.repeat(64)}=plan` }] }],
    ['--dimension', { dimensions: [{ add: 'plan=a\u0000' }] }],
    ['--no-dimension', { dimensions: [{ remove: 'Plan' }] }],
    ['--max-messages-per-day', { maxMessagesPerDay: '-1' }],
    ['--max-messages-per-day', { maxMessagesPerDay: '1e6' }],
    ['--max-messages-per-day', { maxMessagesPerDay: '' }],
    ['--max-bytes-per-day', { maxBytesPerDay: '5 apples' }],
    ['--max-bytes-per-day', { maxBytesPerDay: '' }],
    ['--retention', { retention: '400' }],
    ['--retention', { retention: '29d' }],
    ['--retention', { retention: '40000d' }],
    ['--retention', { retention: '13 months' }],
    ['--retention', { retention: '' }],
  ] as const) {
    it(`names ${flag} where it refuses ${JSON.stringify(change).slice(0, 60)}`, () => {
      expect(refusal(change)).to.match(new RegExp(`^${flag} must`));
    });
  }

  it('refuses the name of each dimension that every project has', () => {
    const { eventMetrics, sessionMetrics } = catalogueOf(CATALOGUE_VERSION);
    const used = [...eventMetrics, ...sessionMetrics].flatMap((line) => [
      ...line.dimensions,
      ...('sessionDimensions' in line ? (line.sessionDimensions ?? []) : []),
    ]);

    for (const name of [...used, 'audience', 'entry_path']) {
      if (name === '' || name === '*') continue;
      const said = refusal({ dimensions: [{ add: `${name}=x` }] });
      expect(said, name).to.contain(`must not be called ${name}`);
    }
  });

  it('keeps quotas until they are taken away, and reads what it has kept', () => {
    const limited = changed({ maxMessagesPerDay: '0', maxBytesPerDay: '1.5GiB' });
    expect(limited).to.include({ maxMessagesPerDay: 0, maxBytesPerDay: 1.5 * 1024 ** 3 });
    expect(changed({ week: 'sunday' }, limited)).to.include({ maxMessagesPerDay: 0 });
    expect(parseSettings(encodeSettings(limited), isZone)).to.deep.equal({
      settings: limited,
      faults: [],
    });
    const rest = changed({ maxMessagesPerDay: false }, limited);
    expect(rest).not.to.have.property('maxMessagesPerDay');
    expect(rest).to.have.property('maxBytesPerDay');
    for (const maxMessagesPerDay of [5, 'many', '-1']) {
      const read = parseSettings(JSON.stringify({ maxMessagesPerDay }), isZone);
      expect(read.settings).not.to.have.property('maxMessagesPerDay');
      expect(read.faults).to.have.length(1);
    }
  });

  it('keeps rows for so many days, or for ever again; what cannot be read is for ever, and told', () => {
    const kept = changed({ retention: '400d' });
    expect(kept.retentionDays).to.equal(400);
    expect(parseSettings(encodeSettings(kept), isZone)).to.deep.equal({
      settings: kept,
      faults: [],
    });
    expect(changed({ week: 'sunday' }, kept).retentionDays).to.equal(400);
    expect(changed({ retention: false }, kept)).not.to.have.property('retentionDays');
    for (const retention of ['1d', 400, 'soon']) {
      const read = parseSettings(JSON.stringify({ retention }), isZone);
      expect(read.settings).to.deep.equal(DEFAULT_SETTINGS);
      expect(read.faults).to.have.length(1);
    }
  });

  it('refuses more dimensions and hosts than a project may have, in words that say how many', () => {
    const many = Array.from({ length: DECLARED_DIMENSIONS_MAX }, (_, n) => ({ add: `d${n}=p` }));
    const full = changed({ dimensions: many });
    const hosts = Array.from({ length: OWN_HOSTS_MAX + 1 }, (_, n) => ({ add: `h${n}.example` }));

    expect(refusal({ dimensions: [{ add: 'more=p' }] }, full)).to.match(/^--dimension: .* 16 /);
    expect(refusal({ ownHosts: hosts })).to.match(/^--own-host: .* 100 /);
    const swapped = [{ add: 'more=p' }, { remove: 'd0' }];
    expect(Object.keys(changed({ dimensions: swapped }, full).dimensions)).to.have.length(16);
  });
});

describe('what a change means', () => {
  it('is said of each setting that is another one, and of no other', () => {
    const after = changed({ week: 'monday', currency: false, ownHosts: [] }, SHOP);

    const found = changesBetween(SHOP, after);

    expect(found.map(({ setting, before, after }) => [setting, before, after])).to.deep.equal([
      ['week', 'sunday', 'monday'],
      ['currency', 'EUR', 'none'],
    ]);
    for (const { meaning } of found) expect(meaning).to.match(/^[A-Z].*\.$/);
    expect(changesBetween(SHOP, SHOP)).to.deep.equal([]);
  });

  it('is another for a limit that is taken away: nothing is put aside, and nothing deleted', () => {
    const limits = { maxMessagesPerDay: '5', maxBytesPerDay: '1MB', retention: '30d' };
    const limited = changed(limits, DEFAULT_SETTINGS);
    const puts = /goes to DEADLETTERS|is deleted by the next/;

    const set = changesBetween(DEFAULT_SETTINGS, limited).map(({ meaning }) => meaning);
    const unset = changesBetween(limited, DEFAULT_SETTINGS).map(({ meaning }) => meaning);

    expect([set.length, unset.length]).to.deep.equal([3, 3]);
    for (const meaning of set) expect(meaning).to.match(puts);
    for (const meaning of unset) expect(meaning).not.to.match(puts);
  });
});

describe('the version of a row', () => {
  const at = (ms: number, revision: number) => versionOf({ created: new Date(ms), revision });

  it('grows with each change, also where the bucket was made anew and counts from 1 again', () => {
    const now = Date.UTC(2026, 10, 28);

    expect(at(now, 8) > at(now, 7)).to.equal(true);
    expect(at(now + 1, 1) > at(now, 1_000)).to.equal(true);
    expect(at(Date.UTC(2400, 0, 1), 2 ** 20) < 2n ** 64n).to.equal(true);
  });
});
