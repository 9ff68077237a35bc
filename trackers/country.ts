/** Codes of countries (ISO 3166-1, two letters) out of what tools write: codes, or names in English. */

/** Names that tools write and Unicode's list of English names has otherwise, in lower case. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'united states of america': 'US',
  'great britain': 'GB',
  turkey: 'TR',
  türkiye: 'TR',
  'czech republic': 'CZ',
  burma: 'MM',
  'myanmar (burma)': 'MM',
  swaziland: 'SZ',
  macedonia: 'MK',
  'macedonia (fyrom)': 'MK',
  'cape verde': 'CV',
  'ivory coast': 'CI',
  "cote d'ivoire": 'CI',
  'côte d’ivoire': 'CI',
  'bosnia and herzegovina': 'BA',
  'trinidad and tobago': 'TT',
  'antigua and barbuda': 'AG',
  'saint kitts and nevis': 'KN',
  'saint vincent and the grenadines': 'VC',
  'saint lucia': 'LC',
  'são tomé and príncipe': 'ST',
  'turks and caicos islands': 'TC',
  'hong kong': 'HK',
  macao: 'MO',
  macau: 'MO',
  palestine: 'PS',
  'congo - kinshasa': 'CD',
  'congo - brazzaville': 'CG',
  'russian federation': 'RU',
  'korea, republic of': 'KR',
  'viet nam': 'VN',
  'iran, islamic republic of': 'IR',
  'syrian arab republic': 'SY',
  'u.s. virgin islands': 'VI',
  'the bahamas': 'BS',
  'the gambia': 'GM',
};

let codes: ReadonlyMap<string, string> | undefined;

/**
 * @returns the code in capitals; a text that is neither a code nor a known name as it is; undefined for nothing and
 *   for what tools write for nothing
 */
export function countryOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^(?:|\(not set\)|unknown|zz|xx)$/i.test(text)) return undefined;
  if (/^[a-z]{2}$/i.test(text)) return text.toUpperCase();
  codes ??= namesToCodes();
  return codes.get(text.toLowerCase()) ?? text;
}

function namesToCodes(): ReadonlyMap<string, string> {
  const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
  const found = new Map<string, string>();
  for (let first = 65; first <= 90; first += 1) {
    for (let second = 65; second <= 90; second += 1) {
      const code = String.fromCharCode(first, second);
      if (FORMER.has(code)) continue;
      const name = names.of(code)?.toLowerCase();
      if (name === undefined) continue;
      if (!found.has(name)) found.set(name, code);
      // `Bosnia & Herzegovina` is as often written out.
      found.set(name.replaceAll(' & ', ' and '), code);
    }
  }
  for (const [name, code] of Object.entries(OTHER_NAMES)) found.set(name, code);
  return found;
}

/** Withdrawn codes that still have the name of a country, and those of what is no country. */
const FORMER: ReadonlySet<string> = new Set([
  ...['AN', 'BU', 'CS', 'DD', 'DY', 'FX', 'HV', 'NH', 'RH', 'SU', 'TP', 'UK', 'VD', 'YD', 'YU'],
  ...['ZR', 'EU', 'EZ', 'QO', 'UN', 'XA', 'XB', 'ZZ'],
]);
