/** From when on rows are kept: the start of a local day, whatever clocks did in between. */
import { expect } from 'chai';
import { loadZones } from '../../platform/zones.ts';
import { retentionLimit } from '../../shared/retention.ts';

const zones = loadZones();

describe('the limit of what is kept', () => {
  for (const zone of [
    ...['UTC', 'Europe/Berlin', 'America/Santiago', 'Africa/Cairo', 'Asia/Beirut'],
    ...['Australia/Lord_Howe', 'Asia/Kathmandu', 'America/Nuuk', 'America/Havana'],
  ]) {
    it(`is the start of the local day so many days before today: ${zone}`, () => {
      const startOfDay = (at: number) => zones.startOfLocal(zone, 'day', at);
      const dateAt = (at: number) =>
        Math.floor((at + zones.offsetAt(zone, at) * 1_000) / 86_400_000);
      for (let now = Date.UTC(2026, 0, 1); now < Date.UTC(2027, 0, 1); now += 5 * 3_600_000) {
        for (const days of [30, 181, 400]) {
          const limit = retentionLimit(days, now, startOfDay);
          expect(dateAt(limit)).to.equal(dateAt(now) - days);
          expect(dateAt(limit - 1)).to.equal(dateAt(now) - days - 1);
        }
      }
    });
  }
});
