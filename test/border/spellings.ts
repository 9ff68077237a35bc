/** The ways in which a value can be written: right, at a limit, one beyond, and as broken programs write it. */
import { chance, intBetween, pick, type Random } from '../support/random.ts';

/** JSON text of a value. */
export type Spelling = (random: Random) => string;

const CHARS = ['a', 'Z', '7', ' ', '-', '/', 'é', '漢', '😀', '.', '%', '~'] as const;

/** A text of so many characters. */
export function textOf(random: Random, length: number): string {
  const unit = Array.from({ length: Math.min(length, 7) }, () => pick(random, CHARS)).join('');
  const all = Array.from(unit.repeat(Math.ceil(length / Math.max(1, Math.min(length, 7)))));
  return all.slice(0, length).join('');
}

/** As JSON, now and then with more escapes than it needs. */
export function quoted(random: Random, text: string): string {
  if (!chance(random, 0.1)) return JSON.stringify(text);
  const units = text.slice(0, 2_000).split('');
  const rest = JSON.stringify(text.slice(2_000)).slice(1, -1);
  const written = units.map((unit) =>
    chance(random, 0.3) ? escaped(unit) : JSON.stringify(unit).slice(1, -1),
  );
  return `"${written.join('')}${rest}"`;
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const NO_TEXTS = [
  'null',
  '""',
  'true',
  'false',
  '0',
  '12',
  '-1.5e3',
  '{}',
  '[]',
  '[""]',
  '{"a":1}',
];
const FOR_NOTHING = ['undefined', 'null', 'NaN', 'None', '[object Object]', 'Undefined', ' null'];
const HALVES = [
  '"\\ud800"',
  '"a\\udfffb"',
  '"\\ud83d\\ude00"',
  '"\\ude00\\ud83d"',
  '"\\uD800\\u0041"',
];
const UNPRINTABLE = [
  '"a\\nb"',
  '"\\u0000"',
  '"\\u200b"',
  '"\\u00a0"',
  '"\\ufeff"',
  '"\\u2028"',
  '"\\u00ad"',
  '"\\ue000"',
];

/** An id or a type with a limit. */
export function idSpelling(charsMax: number): Spelling {
  return (random) => {
    const way = random();
    if (way < 0.5) return quoted(random, textOf(random, intBetween(random, 1, 20)));
    if (way < 0.7) return quoted(random, textOf(random, charsMax + intBetween(random, -1, 1)));
    if (way < 0.75) return quoted(random, textOf(random, 2 * charsMax + intBetween(random, -1, 1)));
    if (way < 0.82) return pick(random, NO_TEXTS);
    if (way < 0.89) return JSON.stringify(pick(random, FOR_NOTHING));
    return pick(random, way < 0.95 ? HALVES : UNPRINTABLE);
  };
}

export const eventTypeSpelling: Spelling = (random) =>
  chance(random, 0.7)
    ? quoted(
        random,
        pick(random, ['pageview', 'page_view', 'pageView', 'purchase', 'x', 'PageView']),
      )
    : idSpelling(64)(random);

/** A property that is read as text. */
export const propertySpelling: Spelling = (random) => {
  const way = random();
  if (way < 0.4) return quoted(random, textOf(random, intBetween(random, 0, 30)));
  if (way < 0.5) return quoted(random, textOf(random, 1_024 + intBetween(random, -1, 1)));
  if (way < 0.53) return quoted(random, textOf(random, 2_048 + intBetween(random, -1, 1)));
  if (way < 0.57) return `"${'x'.repeat(1_023)}${pick(random, HALVES).slice(1)}`;
  if (way < 0.65) return pick(random, HALVES);
  if (way < 0.8) return pick(random, NO_TEXTS);
  return numberSpelling(random);
};

/** Any JSON number. */
export const numberSpelling: Spelling = (random) => {
  const digits = (most: number) =>
    Array.from({ length: intBetween(random, 1, most) }, () => intBetween(random, 0, 9)).join('');
  const sign = chance(random, 0.2) ? '-' : '';
  const whole = digits(pick(random, [1, 3, 20])).replace(/^0+(?=\d)/, '');
  const fraction = chance(random, 0.5) ? `.${digits(pick(random, [2, 10, 25]))}` : '';
  const power = pick(random, [
    '',
    '',
    '',
    'e3',
    'E-2',
    'e+9',
    'e-9',
    'e0000',
    'e-18',
    'e17',
    'e99999',
  ]);
  return `${sign}${whole}${fraction}${power}`;
};

const MONEY = [
  '59.969999999999995',
  '0e99999',
  '-0',
  '1e-10',
  '5e-10',
  '15e-10',
  '0.00000000050000000000000001',
  '1e17',
  '1e18',
  '999999999999999999.999999999',
  '999999999999999999.9999999994',
  '999999999999999999.9999999995',
  '-999999999999999999.9999999995',
  '1000000000000000000',
  '0.1234567891',
  '-12.50',
  '123456789012345678',
  '1e400',
  '1e-400',
  `1e${'9'.repeat(400)}`,
  `0.${'0'.repeat(300)}5e301`,
  `1${'0'.repeat(40)}e-40`,
  '0.1e-99999999999999999999',
] as const;
const NO_MONEY = [
  'ten',
  '1,50',
  '1e3',
  '.5',
  '5.',
  ' 1',
  '+-1',
  '0x10',
  'NaN',
  '١',
  '+3.10',
  '007',
  '1.0000000000',
];

export const revenueSpelling: Spelling = (random) => {
  const way = random();
  const number = chance(random, 0.5) ? pick(random, MONEY) : numberSpelling(random);
  if (way < 0.6) return number;
  if (way < 0.8) return `"${number}"`;
  return way < 0.9 ? `"${pick(random, NO_MONEY)}"` : pick(random, NO_TEXTS);
};

const TIMES = [
  '2026-02-28T23:59:59.999999999Z',
  '2024-02-29t00:00:00-00:00',
  '2023-02-29T00:00:00Z',
  '1900-02-29T00:00:00Z',
  '2000-02-29T00:00:00Z',
  '1970-01-01T00:00:00Z',
  '1969-12-31T23:59:59.999Z',
  '1969-12-31T23:59:60Z',
  '1970-01-01T00:59:59+01:00',
  '1969-12-31T23:00:00-01:00',
  '0000-01-01T00:00:00Z',
  '0099-12-31T00:00:00Z',
  '9999-12-31T23:59:59Z',
  '2026-03-01',
  '2026-03-01T10:00:00',
  '2026-03-01T10:00Z',
  '2026-03-01T24:00:00Z',
  '2026-03-01T10:60:00Z',
  '2026-03-01T10:00:61Z',
  '2026-13-01T10:00:00Z',
  '2026-00-01T10:00:00Z',
  '2026-04-31T10:00:00Z',
  '2026-03-01T10:00:00+24:00',
  '2026-03-01T10:00:00+23:59',
  '2026-03-01T10:00:00.Z',
  '2026-03-01T10:00:00 Z',
  '2026-03-01 10:00:00z',
  '2026-3-1T10:00:00Z',
  '20260301T100000Z',
  '1772359200000',
  '1772359200',
  'yesterday',
] as const;

/** A time around when the message comes. */
export function timestampSpelling(receivedAt: number): Spelling {
  const numbers = [
    '1772359200',
    '99999999999',
    '99999999999.99999999',
    '100000000000',
    '1e11',
    '1772359200000.9999999999',
    '0e99999',
    '17723592e5',
    '1772359200000000e-3',
    '-1',
    '-0',
    '0',
    '1e400',
    `1772359200000.${'9'.repeat(40)}`,
    `0.${'0'.repeat(30)}1772359200000e43`,
    '1772359200000E0',
    '1.7e308',
  ] as const;
  return (random) => {
    const way = random();
    const at = receivedAt - intBetween(random, 0, 1e10);
    if (way < 0.3) return `"${new Date(at).toISOString()}"`;
    if (way < 0.5) return String(at);
    if (way < 0.6) return `"${zoned(random, at)}"`;
    if (way < 0.75) return `"${pick(random, TIMES)}"`;
    if (way < 0.88) return pick(random, numbers);
    const ahead = receivedAt + 86_400_000 + intBetween(random, -1, 1);
    if (way < 0.92) return String(ahead);
    if (way < 0.95) return `"${new Date(ahead).toISOString()}"`;
    return pick(random, NO_TEXTS);
  };
}

function zoned(random: Random, at: number): string {
  const minutes = intBetween(random, -23 * 60 - 59, 23 * 60 + 59);
  const local = new Date(at + minutes * 60_000).toISOString().slice(0, 19);
  const fraction = '.123456789012'.slice(0, pick(random, [0, 2, 3, 4, 5, 13]));
  const size = Math.abs(minutes);
  const pad = (n: number) => String(n).padStart(2, '0');
  return `${local}${fraction}${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

/** A value nested so deep. */
export function nested(random: Random, depth: number): string {
  const isArray = chance(random, 0.5);
  const [open, close] = isArray ? ['[', ']'] : ['{"a":', '}'];
  return `${open.repeat(depth)}1${close.repeat(depth)}`;
}
