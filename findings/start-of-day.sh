#!/usr/bin/env bash
# Time zones in JavaScript: the start of one day is two moments in luxon, and a moment of the day
# before in dayjs.
#
# Versions: npm luxon 3.7.2, moment-timezone 0.6.6, dayjs 1.11.23, date-fns 4.1.0 with
#   @date-fns/tz 1.5.0.
# Expected: startOf("day") gives the same moment for every moment of one local day, namely the
#   first of that day.
# Behaviour: where the clock goes back over midnight (Havana), luxon gives two: an event in the
#   first hour gets the first midnight, one later that day the second, so grouping by it makes two
#   days of one, of 1 and 24 hours. moment-timezone does the same in the Azores, and not in
#   Havana, where it ends the day an hour early instead. Where midnight does not exist (Cairo),
#   dayjs gives 23:00 of the day before, and at Lord Howe half past midnight for the whole day.
#   date-fns is right in all four.
# Source: tried.
# Output seen:
#   America/Havana by luxon: 11-01T04:00 (2), 11-01T05:00 (48)
#   America/Havana by moment: 11-01T04:00 (48), 11-02T04:00 (2)
#   America/Havana by dayjs: 11-01T04:00 (50)
#   America/Havana by date-fns: 11-01T04:00 (50)
#   Atlantic/Azores by luxon: 10-25T00:00 (2), 10-25T01:00 (48)
#   Atlantic/Azores by moment: 10-25T00:00 (2), 10-25T01:00 (48)
#   Atlantic/Azores by dayjs: 10-25T00:00 (50)
#   Atlantic/Azores by date-fns: 10-25T00:00 (50)
#   Africa/Cairo by luxon: 04-23T22:00 (46)
#   Africa/Cairo by moment: 04-23T22:00 (46)
#   Africa/Cairo by dayjs: 04-23T21:00 (46)
#   Africa/Cairo by date-fns: 04-23T22:00 (46)
#   Australia/Lord_Howe by luxon: 04-04T13:00 (49)
#   Australia/Lord_Howe by moment: 04-04T13:00 (49)
#   Australia/Lord_Howe by dayjs: 04-04T13:30 (49)
#   Australia/Lord_Howe by date-fns: 04-04T13:00 (49)
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund luxon@3.7.2 moment-timezone@0.6.6 dayjs@1.11.23 date-fns@4.1.0 @date-fns/tz@1.5.0 >/dev/null

cat >look.mjs <<'JS'
import { tz } from '@date-fns/tz';
import { startOfDay } from 'date-fns';
import dayjs from 'dayjs';
import timezone from 'dayjs/plugin/timezone.js';
import utc from 'dayjs/plugin/utc.js';
import { DateTime } from 'luxon';
import moment from 'moment-timezone';

dayjs.extend(utc);
dayjs.extend(timezone);

/** Prints what was seen, and notes if it is no longer what is described above. */
function look(what, seen, described) {
  console.log(`${what}: ${seen}`);
  if (seen === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

const start = {
  luxon: (at, zone) => DateTime.fromMillis(at, { zone }).startOf('day'),
  moment: (at, zone) => moment.tz(at, zone).startOf('day'),
  dayjs: (at, zone) => dayjs(at).tz(zone).startOf('day'),
  'date-fns': (at, zone) => startOfDay(new Date(at), { in: tz(zone) }),
};

/** The starts that the half hours from `from` until `to` get, in UTC, with how many each. */
function starts(library, zone, from, to) {
  const counts = new Map();
  for (let at = Date.parse(from); at < Date.parse(to); at += 1_800_000) {
    const day = new Date(+start[library](at, zone)).toISOString().slice(5, 16);
    counts.set(day, (counts.get(day) ?? 0) + 1);
  }
  return [...counts].map(([day, count]) => `${day} (${count})`).join(', ');
}

// Each a whole local day: 25, 25, 23 and 24.5 hours.
const days = [
  ['America/Havana', '2026-11-01T04:00Z', '2026-11-02T05:00Z', {
    luxon: '11-01T04:00 (2), 11-01T05:00 (48)',
    moment: '11-01T04:00 (48), 11-02T04:00 (2)',
    dayjs: '11-01T04:00 (50)',
  }],
  ['Atlantic/Azores', '2026-10-25T00:00Z', '2026-10-26T01:00Z', {
    luxon: '10-25T00:00 (2), 10-25T01:00 (48)',
    moment: '10-25T00:00 (2), 10-25T01:00 (48)',
    dayjs: '10-25T00:00 (50)',
  }],
  ['Africa/Cairo', '2026-04-23T22:00Z', '2026-04-24T21:00Z', {
    luxon: '04-23T22:00 (46)',
    moment: '04-23T22:00 (46)',
    dayjs: '04-23T21:00 (46)',
  }],
  ['Australia/Lord_Howe', '2026-04-04T13:00Z', '2026-04-05T13:30Z', {
    luxon: '04-04T13:00 (49)',
    moment: '04-04T13:00 (49)',
    dayjs: '04-04T13:30 (49)',
  }],
];
for (const [zone, from, to, described] of days) {
  const halves = (Date.parse(to) - Date.parse(from)) / 1_800_000;
  const right = { 'date-fns': `${from.slice(5, 16)} (${halves})` };
  for (const [library, text] of Object.entries({ ...described, ...right })) {
    look(`${zone} by ${library}`, starts(library, zone, from, to), text);
  }
}
JS
node look.mjs
