/** Days as texts, `2026-03-01`. They are reckoned with as dates of UTC, which no clock change touches. */

const DAY_MS = 86_400_000;

/** Epoch milliseconds of its midnight, UTC. */
export function msOfDay(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

export function dayOfMs(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

export function plusDays(day: string, days: number): string {
  return dayOfMs(msOfDay(day) + days * DAY_MS);
}

/** How many days it is from one to the other, both counted. */
export function daysFromTo(from: string, to: string): number {
  return Math.round((msOfDay(to) - msOfDay(from)) / DAY_MS) + 1;
}

/** The same day of another month; its last one where it is shorter. */
export function plusMonths(day: string, months: number): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return dayOfMs(Date.UTC(year, month - 1 + months, Math.min(date, last)));
}

export function firstOfMonth(day: string): string {
  return `${day.slice(0, 7)}-01`;
}

export function firstOfWeek(day: string, week: 'monday' | 'sunday'): string {
  const weekday = new Date(msOfDay(day)).getUTCDay();
  return plusDays(day, -(week === 'monday' ? (weekday + 6) % 7 : weekday));
}
