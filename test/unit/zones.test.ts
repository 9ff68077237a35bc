import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { loadZones } from '../../platform/zones.ts';
import {
  createZones,
  LOCAL_UNITS,
  readPacked,
  readSlice,
  sliceOf,
  zoneRows,
  type Zones,
} from '../../shared/zones/index.ts';

const zones = loadZones();
const localDay: Zones['localDay'] = (zone, ms) => zones.localDay(zone, ms);
const offsetAt: Zones['offsetAt'] = (zone, ms) => zones.offsetAt(zone, ms);
const startOfLocal: Zones['startOfLocal'] = (zone, unit, ms) => zones.startOfLocal(zone, unit, ms);

const at = (iso: string) => Date.parse(iso);
const iso = (ms: number) => new Date(ms).toISOString().replace(':00.000Z', 'Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Starts of the buckets that begin in a span, by walking from each to the next quarter hour that has another. */
function startsBetween(zone: string, unit: (typeof LOCAL_UNITS)[number], from: string, to: string) {
  const starts = new Set<number>();
  for (let ms = at(from); ms < at(to); ms += HOUR_MS / 4) starts.add(startOfLocal(zone, unit, ms));
  return [...starts].map(iso);
}

describe('time zones', () => {
  it('are those of one release of the IANA database', () => {
    expect(zones.zoneDataVersion).to.equal('2026f');
    expect(zones.zoneNames()).to.have.length(597);
  });

  it('have the names that people still use for them', () => {
    const aliases = [
      ['Europe/Kiev', 'Europe/Kyiv'],
      ['US/Pacific', 'America/Los_Angeles'],
      ['Asia/Calcutta', 'Asia/Kolkata'],
      ['America/Godthab', 'America/Nuuk'],
      ['GB', 'Europe/London'],
    ] as const;

    for (const [alias, zone] of aliases) {
      expect(zones.isZone(alias), alias).to.be.true;
      expect(zones.transitionsOf(alias, 0, at('2040-01-01'))).to.deep.equal(
        zones.transitionsOf(zone, 0, at('2040-01-01')),
      );
    }
  });

  it('are not names of something else', () => {
    for (const name of ['', 'europe/paris', 'Europe', 'Mars/Olympus', '__proto__', 'toString']) {
      expect(zones.isZone(name), name).to.be.false;
      expect(() => offsetAt(name, 0)).to.throw(RangeError, `"${name}" is not a time zone`);
    }
  });

  describe('that changed their rule lately', () => {
    const changes: readonly [zone: string, from: string, to: string, transitions: string][] = [
      ['America/Asuncion', '2024-04-01', '2040-01-01', '-4h, 2024-10-06T04:00Z -3h'],
      ['Asia/Almaty', '2024-01-01', '2040-01-01', '6h, 2024-02-29T18:00Z 5h'],
      [
        'Africa/Cairo',
        '2022-01-01',
        '2024-01-01',
        '2h, 2023-04-27T22:00Z 3h, 2023-10-26T21:00Z 2h',
      ],
      [
        'America/Nuuk',
        '2023-01-01',
        '2024-10-01',
        '-3h, 2023-03-26T01:00Z -2h, 2024-03-31T01:00Z -1h',
      ],
      ['America/Vancouver', '2026-01-01', '2040-01-01', '-8h, 2026-03-08T10:00Z -7h'],
      ['America/Edmonton', '2026-01-01', '2040-01-01', '-7h, 2026-03-08T09:00Z -6h'],
      ['America/Winnipeg', '2026-01-01', '2040-01-01', '-6h, 2026-03-08T08:00Z -5h'],
      ['America/Havana', '2026-04-01', '2028-01-01', '-4h, 2027-11-07T05:00Z -5h'],
      ['Africa/Casablanca', '2026-04-01', '2040-01-01', '1h, 2026-09-20T01:00Z 0h'],
    ];
    for (const [zone, from, to, expected] of changes) {
      it(`have it: ${zone}`, () => {
        const [first, ...later] = zones.transitionsOf(zone, at(from), at(to));
        const told = [
          `${(first?.offsetSeconds ?? NaN) / 3_600}h`,
          ...later.map((one) => `${iso(one.at)} ${one.offsetSeconds / 3_600}h`),
        ];

        expect(first?.at).to.equal(at(from));
        expect(told.join(', ')).to.equal(expected);
      });
    }
  });

  describe('have days that', () => {
    it('begin at their own midnight, also where that is no full hour of UTC', () => {
      const noon = at('2026-07-01T12:00Z');

      expect(iso(startOfLocal('Asia/Kolkata', 'day', noon))).to.equal('2026-06-30T18:30Z');
      expect(iso(startOfLocal('Asia/Kathmandu', 'day', noon))).to.equal('2026-06-30T18:15Z');
      expect(iso(startOfLocal('America/St_Johns', 'day', noon))).to.equal('2026-07-01T02:30Z');
    });

    it('begin at 01:00 where there is no midnight', () => {
      const cairo = startOfLocal('Africa/Cairo', 'day', at('2026-04-24T12:00Z'));

      expect(iso(cairo)).to.equal('2026-04-23T22:00Z');
      expect(offsetAt('Africa/Cairo', cairo)).to.equal(3 * 3_600);
      expect(localDay('Africa/Cairo', cairo - 1)).to.equal('2026-04-23');
    });

    it('begin at the first of two midnights', () => {
      const havana = startsBetween(
        'America/Havana',
        'day',
        '2024-11-03T06:00Z',
        '2024-11-04T06:00Z',
      );

      expect(havana).to.deep.equal(['2024-11-03T04:00Z', '2024-11-04T05:00Z']);
    });

    it('go on where the clock is set back to the evening before', () => {
      // 00:01 became 23:01.
      const during = at('2010-11-07T02:45Z');

      expect(offsetAt('America/St_Johns', during)).to.equal(-3.5 * 3_600);
      expect(localDay('America/St_Johns', during)).to.equal('2010-11-07');
      expect(iso(startOfLocal('America/St_Johns', 'day', during))).to.equal('2010-11-07T02:30Z');
    });

    it('may be missing, and then the week and the month have one less', () => {
      // Samoa went over the date line and left out 2011-12-30.
      const days = startsBetween('Pacific/Apia', 'day', '2011-12-29T10:00Z', '2012-01-01T10:00Z');

      expect(days).to.deep.equal(['2011-12-29T10:00Z', '2011-12-30T10:00Z', '2011-12-31T10:00Z']);
      expect(days.map((day) => localDay('Pacific/Apia', at(day)))).to.deep.equal([
        '2011-12-29',
        '2011-12-31',
        '2012-01-01',
      ]);
    });

    it('are in weeks that begin on Monday or on Sunday, and in months', () => {
      const sunday = at('2026-03-01T05:30Z');

      expect(iso(startOfLocal('America/New_York', 'week-sunday', sunday))).to.equal(
        '2026-03-01T05:00Z',
      );
      expect(iso(startOfLocal('America/New_York', 'week-monday', sunday))).to.equal(
        '2026-02-23T05:00Z',
      );
      expect(iso(startOfLocal('America/New_York', 'month', sunday))).to.equal('2026-03-01T05:00Z');
      expect(iso(startOfLocal('America/New_York', 'month', sunday - HOUR_MS))).to.equal(
        '2026-02-01T05:00Z',
      );
    });
  });

  describe('have hours that', () => {
    it('are two where the clock shows one twice', () => {
      const paris = startsBetween('Europe/Paris', 'hour', '2026-10-25T00:00Z', '2026-10-25T03:00Z');

      expect(paris).to.deep.equal(['2026-10-25T00:00Z', '2026-10-25T01:00Z', '2026-10-25T02:00Z']);
    });

    it('begin at the half hour of UTC where the zone does', () => {
      expect(iso(startOfLocal('Asia/Kolkata', 'hour', at('2026-07-01T12:15Z')))).to.equal(
        '2026-07-01T11:30Z',
      );
      expect(iso(startOfLocal('Asia/Kathmandu', 'hour', at('2026-07-01T12:14Z')))).to.equal(
        '2026-07-01T11:15Z',
      );
    });

    it('are 30 or 90 minutes long around a change by half an hour', () => {
      const spring = startsBetween(
        'Australia/Lord_Howe',
        'hour',
        '2026-10-03T14:30Z',
        '2026-10-03T17:00Z',
      );
      const autumn = startsBetween(
        'Australia/Lord_Howe',
        'hour',
        '2026-04-04T14:00Z',
        '2026-04-04T16:30Z',
      );

      // 02:00 became 02:30; then 02:00 became 01:30.
      expect(spring).to.deep.equal(['2026-10-03T14:30Z', '2026-10-03T15:30Z', '2026-10-03T16:00Z']);
      expect(autumn).to.deep.equal(['2026-04-04T14:00Z', '2026-04-04T15:30Z']);
    });
  });

  describe('whatever the zone', () => {
    const zone = fc.constantFrom(...zones.zoneNames());
    const unit = fc.constantFrom(...LOCAL_UNITS);
    const anyTime = fc.integer({ min: Date.UTC(1850, 0, 1), max: Date.UTC(2510, 0, 1) });
    /** Times beside clock changes, where mistakes are, and any others. */
    const moment = zone.chain((name) => {
      const changes = zones
        .transitionsOf(name, Date.UTC(1850, 0, 1), Date.UTC(2060, 0, 1))
        .slice(1);
      const near = fc
        .tuple(
          fc.constantFrom(0, ...changes.map((one) => one.at)),
          fc.integer({ min: -36, max: 36 }),
          fc.integer({ min: -2, max: 2 }),
        )
        .map(([change, halfHours, ms]) => change + (halfHours * HOUR_MS) / 2 + ms);
      return fc.tuple(fc.constant(name), fc.oneof(near, anyTime));
    });
    const check = <T>(property: fc.IProperty<T>) => {
      fc.assert(property, { numRuns: 2_000 });
    };

    it('a bucket begins no later than what it holds, and is its own bucket', () => {
      check(
        fc.property(moment, unit, ([name, ms], of) => {
          const start = startOfLocal(name, of, ms);

          expect(start).to.be.at.most(ms);
          expect(startOfLocal(name, of, start)).to.equal(start);
          expect(startOfLocal(name, of, start - 1)).to.be.below(start);
        }),
      );
    });

    it('buckets part time: what is later is in the same one or in a later one', () => {
      check(
        fc.property(moment, unit, fc.nat({ max: 3 * DAY_MS }), ([name, ms], of, more) => {
          const [start, later] = [startOfLocal(name, of, ms), startOfLocal(name, of, ms + more)];

          expect(later === start || later > ms).to.be.true;
        }),
      );
    });

    it('a day is all times of one date', () => {
      check(
        fc.property(moment, ([name, ms]) => {
          const start = startOfLocal(name, 'day', ms);

          expect(localDay(name, start)).to.equal(localDay(name, ms));
          expect(localDay(name, start - 1) < localDay(name, ms)).to.be.true;
        }),
      );
    });

    it('hours lie in one day, days in one week and in one month', () => {
      check(
        fc.property(moment, ([name, ms]) => {
          const day = startOfLocal(name, 'day', ms);

          expect(startOfLocal(name, 'day', startOfLocal(name, 'hour', ms))).to.equal(day);
          for (const of of ['week-monday', 'week-sunday', 'month'] as const) {
            expect(startOfLocal(name, of, day)).to.equal(startOfLocal(name, of, ms));
          }
        }),
      );
    });

    it('since 1973 an hour lasts 90 minutes at most, and a day 20 to 28 hours but at the date line and on a station that was left', () => {
      const since = Date.UTC(1973, 0, 1);
      const lengthOf = (name: string, of: 'hour' | 'day', ms: number) => {
        let end = startOfLocal(name, of, ms);
        const start = end;
        while (startOfLocal(name, of, end) === start) end += HOUR_MS / 60;
        return startOfLocal(name, of, end) - start;
      };
      fc.assert(
        fc.property(moment, ([name, ms]) => {
          fc.pre(ms > since);
          expect(lengthOf(name, 'hour', ms)).to.be.within(1, 1.5 * HOUR_MS);
          if (!/Apia|Fakaofo|Samoa|Kirit|Kanton|Enderbury|Kwajalein|Vostok/.test(name)) {
            expect(lengthOf(name, 'day', ms)).to.be.within(20 * HOUR_MS, 28 * HOUR_MS);
          }
        }),
        { numRuns: 200 },
      );
      // Nobody was there from February to October 1994: clocks went from 7 hours ahead to UTC, and back.
      const leaves = Date.UTC(1994, 1, 1, 1);
      expect(lengthOf('Antarctica/Vostok', 'day', leaves - 2 * HOUR_MS)).to.equal(31 * HOUR_MS);
      expect(lengthOf('Antarctica/Vostok', 'day', Date.UTC(1994, 10, 1) - 1)).to.equal(
        24 * HOUR_MS,
      );
    });
  });

  it('have the days of 2024 to 2027 that Python counts from its own copy: 0 of 872,217 differ', () => {
    const text = readFileSync(new URL('../fixtures/local-days.txt', import.meta.url), 'utf8');
    const [version, ...lines] = text.trim().split('\n');
    const seen: string[] = [];
    const different: string[] = [];
    let days = 0;
    for (const line of lines) {
      const [names = '', first = '', ...runs] = line.split(' ');
      const starts = [Number(first) * 1_000];
      for (const run of runs) {
        const [times = 0, seconds = 0] = run.split('x').map(Number);
        for (let n = 0; n < times; n += 1) starts.push((starts.at(-1) ?? 0) + seconds * 1_000);
      }
      // Zones whose clocks went together in these years have the same days: one stands for all of them.
      const together = grouped(names.split(','), (name) =>
        JSON.stringify(zones.transitionsOf(name, at('2023-12-01'), at('2028-02-01'))),
      );
      for (const [name = '', ...others] of together.values()) {
        different.push(...daysThatDiffer(name, starts));
        days += (starts.length - 1) * (1 + others.length);
        seen.push(name, ...others);
      }
    }

    // Newer data needs a newer count: test/fixtures/local-days.py says how to make it.
    expect(version).to.equal(zones.zoneDataVersion);
    expect(seen.sort()).to.deep.equal(zones.zoneNames());
    expect(days).to.equal(872_217);
    expect(different).to.deep.equal([]);
  });

  describe('as rows of a table', () => {
    const rows = zoneRows(zones, 2012, 2037);
    const byZone = grouped(rows, (row) => row.zone);

    it('hold each time once, with the offset in force', () => {
      for (const [zone, own] of byZone) {
        expect(own[0]?.starts_at).to.equal(Date.UTC(2012, 0, 1) / 1_000);
        expect(own.at(-1)?.ends_at).to.equal(Date.UTC(2038, 0, 1) / 1_000);
        own.forEach((row, index) => {
          expect(row.ends_at).to.equal(own[index + 1]?.starts_at ?? row.ends_at);
          expect(row.offset_seconds).to.equal(offsetAt(zone, row.starts_at * 1_000));
          expect(row.offset_seconds).to.equal(offsetAt(zone, row.ends_at * 1_000 - 1));
        });
      }
      expect([...byZone.keys()]).to.deep.equal(zones.zoneNames());
      expect(rows).to.have.length(11_380);
    });

    it('tell the date by adding the offset, and a day begins with a quarter hour of UTC', () => {
      // What a view does. It is the local day, because since 2011 no clock was set back over midnight.
      for (const { zone, starts_at, offset_seconds } of rows) {
        for (const ms of [starts_at * 1_000, starts_at * 1_000 + DAY_MS]) {
          const start = startOfLocal(zone, 'day', ms);
          expect(start % (HOUR_MS / 4), `${zone} ${iso(start)}`).to.equal(0);
        }
        const shown = new Date((starts_at + offset_seconds) * 1_000).toISOString().slice(0, 10);
        expect(shown, `${zone} ${iso(starts_at * 1_000)}`).to.equal(
          localDay(zone, starts_at * 1_000),
        );
      }
    });

    it('are refused for years that a DateTime cannot hold', () => {
      expect(() => zoneRows(zones, 1969, 2037)).to.throw(RangeError, '1970 to 2105');
      expect(() => zoneRows(zones, 2012, 2106)).to.throw(RangeError);
      expect(() => zoneRows(zones, 2013, 2012)).to.throw(RangeError);
    });
  });

  it('can be sent in parts, and mean the same on the other side', () => {
    const [from, to] = [at('2020-01-01'), at('2038-01-01')];
    const names = ['Europe/Paris', 'Asia/Kolkata', 'Australia/LHI', 'Pacific/Apia'];
    const sent = JSON.stringify(sliceOf(zones, names, from, to));
    const other = createZones(readSlice(JSON.parse(sent) as ReturnType<typeof sliceOf>));

    expect(other.zoneDataVersion).to.equal(zones.zoneDataVersion);
    expect(other.zoneNames()).to.deep.equal([...names].sort());
    for (const name of names) {
      expect(other.transitionsOf(name, from, to)).to.deep.equal(
        zones.transitionsOf(name, from, to),
      );
    }
  });

  it('are read with the seconds of old, and without what only renames the clock', () => {
    const read = createZones(
      readPacked({
        version: '1',
        zones: ['A/B|LMT X Y|-2.k 0 0|012|-1.5 2|3e2'],
        links: ['A/B|C'],
      }),
    );

    expect(read.zoneNames()).to.deep.equal(['A/B', 'C']);
    expect(read.transitionsOf('C', -1e9, 1e9)).to.deep.equal([
      { at: -1e9, offsetSeconds: 140 },
      { at: -65_000, offsetSeconds: 0 },
    ]);
  });

  it('differ from those of this Node, which are not asked: the table says where', () => {
    const lines = differencesFromNode(2020, 2030);

    process.stdout.write(
      `      ours ${zones.zoneDataVersion}, Node's ${process.versions['tz'] ?? 'unknown'}, 2020 to 2030:\n` +
        lines.map((line) => `        ${line}\n`).join(''),
    );
    // No claim about Node: its rules are as old as it is. Ours are pinned by the tests above.
    expect(lines).to.be.an('array');
  }).timeout(60_000);
});

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group === undefined) groups.set(keyOf(one), [one]);
    else group.push(one);
  }
  return groups;
}

/** @param starts when each day from 2024-01-01 on should begin, and the day after the last one */
function daysThatDiffer(zone: string, starts: readonly number[]): string[] {
  return starts.slice(1).flatMap((end, index) => {
    const start = starts[index] ?? NaN;
    const day = new Date(Date.UTC(2024, 0, 1 + index)).toISOString().slice(0, 10);
    const isAlike =
      startOfLocal(zone, 'day', start) === start &&
      startOfLocal(zone, 'day', end - 1) === start &&
      localDay(zone, start) === day;
    return isAlike ? [] : [`${zone} ${day}`];
  });
}

/** Zones of which this Node has other offsets, or none; by weeks, and beside our own transitions. */
function differencesFromNode(fromYear: number, toYear: number): string[] {
  const [from, to] = [Date.UTC(fromYear, 0, 1), Date.UTC(toYear + 1, 0, 1)];
  const alike = grouped(zones.zoneNames(), (name) =>
    JSON.stringify(zones.transitionsOf(name, from, to)),
  );
  return [...alike.values()].flatMap((names) => {
    const [name = ''] = names;
    const nodes = offsetOfNode(name);
    if (nodes === undefined) return [`${names.join(', ')}: unknown to Node`];
    const times = zones.transitionsOf(name, from, to).flatMap((one) => [one.at - 1, one.at]);
    for (let ms = from; ms < to; ms += 7 * DAY_MS) times.push(ms);
    const first = times.sort((a, b) => a - b).find((ms) => nodes(ms) !== offsetAt(name, ms));
    if (first === undefined) return [];
    const [ours, theirs] = [offsetAt(name, first) / 3_600, nodes(first) / 3_600];
    return [`${names.join(', ')} at ${iso(first)}: ${ours} h, Node ${theirs} h`];
  });
}

function offsetOfNode(timeZone: string): ((ms: number) => number) | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    return (ms) => {
      const [, sign, hours = '0', minutes = '0'] =
        /GMT(?:([+-])(\d\d):(\d\d))?/.exec(format.format(ms)) ?? [];
      return (sign === '-' ? -1 : 1) * (Number(hours) * 3_600 + Number(minutes) * 60);
    };
  } catch {
    return undefined;
  }
}
