import type { ClickHouseClient } from '@clickhouse/client';
import { expect } from 'chai';
import { pino } from 'pino';
import { migrateZones, tableRows } from '../../platform/migrate-zones.ts';
import { loadZones } from '../../platform/zones.ts';

const zones = loadZones();
const NOW = Date.UTC(2026, 10, 28);
/** The clocks of projects are written by the rules that are there now. */
const TOLD = 'INSERT INTO sojourn.projects SELECT * FROM sojourn.projects FINAL';

/** A table with this as its newest release, and what is done to it and said. */
async function migrated(newest: string, now = NOW) {
  const inserts: { token: unknown; rows: readonly unknown[] }[] = [];
  const commands: unknown[] = [];
  const said: string[] = [];
  const client = {
    query: () => Promise.resolve({ json: () => Promise.resolve([{ newest }]) }),
    insert: ({ values, clickhouse_settings }: Parameters<ClickHouseClient['insert']>[0]) => {
      const token = clickhouse_settings?.insert_deduplication_token;
      inserts.push({ token, rows: values as unknown[] });
      return Promise.resolve();
    },
    command: ({ query, query_params }: Parameters<ClickHouseClient['command']>[0]) => {
      commands.push(query_params ?? query);
      return Promise.resolve();
    },
  } as unknown as ClickHouseClient;
  const log = pino({}, { write: (line: string) => said.push(line) });
  await migrateZones(client, zones, now, log);
  const lines = said.map((line) => JSON.parse(line) as { level: number; msg: string });
  return { inserts, commands, warnings: lines.filter(({ level }) => level >= 40) };
}

describe('the table of time zones', () => {
  it('gets a release as one insert with its name as token, and keeps the one before', async () => {
    const { inserts, commands, warnings } = await migrated('2025b');

    expect(inserts.map(({ token }) => token)).to.deep.equal([zones.zoneDataVersion]);
    expect(inserts[0]?.rows).to.have.length(tableRows(zones).length);
    expect(commands).to.deep.equal([{ kept: [zones.zoneDataVersion, '2025b'] }, TOLD]);
    expect(warnings).to.deep.equal([]);
  });

  it('is left alone where it has this release already', async () => {
    const { inserts, commands, warnings } = await migrated(zones.zoneDataVersion);

    expect([inserts, commands, warnings]).to.deep.equal([[], [TOLD], []]);
  });

  it('is left alone, and that is said, where it has a newer one', async () => {
    const { inserts, warnings } = await migrated('2099a');

    expect(inserts).to.deep.equal([]);
    expect(warnings.map(({ msg }) => msg)).to.deep.equal([
      'time zone rules of this release are older than those in ClickHouse, which stay',
    ]);
  });

  it('is said to be old once the rules are surely more than a year old', async () => {
    const year = Number.parseInt(zones.zoneDataVersion, 10);

    const before = await migrated(zones.zoneDataVersion, Date.UTC(year + 1, 11, 31));
    const after = await migrated(zones.zoneDataVersion, Date.UTC(year + 2, 0, 1));
    expect(before.warnings).to.deep.equal([]);
    expect(after.warnings).to.have.length(1);
  });

  it('has for each zone every time since 1970 once, and what the views rest on', () => {
    const ends = new Map<string, number>();
    const offsets = new Map<string, number>();
    for (const row of tableRows(zones)) {
      const { zone, starts_at, ends_at, offset_seconds, hour_starts_at } = row;
      expect(starts_at, zone).to.equal(ends.get(zone) ?? 0);
      ends.set(zone, ends_at);
      offsets.set(zone, (offsets.get(zone) ?? 0) + 1);
      expect(hour_starts_at, zone).to.be.within(starts_at - 3_600, starts_at);
      // Migration 011 leaves out what these make impossible.
      expect(offset_seconds, zone).to.be.within(-12 * 3_600, 14 * 3_600);
      expect(offset_seconds % 900, zone).to.equal(0);
    }
    // A project has room for 128 (010-zones).
    expect(Math.max(...offsets.values())).to.equal(97);
    expect([...ends.keys()]).to.deep.equal(zones.zoneNames());
    expect(new Set(ends.values())).to.deep.equal(new Set([Date.UTC(2050, 0, 1) / 1_000]));
  });
});
