/**
 * What an address of the page asks for: `?project=shop&range=30d&audience=people&channel=Email`. The
 * page hands its own query string on to the API, so this is the one place that reads it. Everything
 * that is not named has a default, and names that are not known are left alone: `measure` and `list`
 * are the page's own.
 */
import { PROJECT_PATTERN } from '../shared/ids.ts';
import { type DimensionName, isDimension } from './dimensions.ts';

export const PRESETS = [
  'today',
  'yesterday',
  '7d',
  '30d',
  '90d',
  '12mo',
  'week',
  'month',
  'last-month',
  'year',
] as const;
export type Preset = (typeof PRESETS)[number];

/** Days of the project, `YYYY-MM-DD`, both of them included. */
export interface Days {
  readonly from: string;
  readonly to: string;
}

export const UNITS = ['hour', 'day', 'week', 'month'] as const;
export type Unit = (typeof UNITS)[number];

export const AUDIENCES = ['people', 'everyone', 'bots'] as const;
export type Audience = (typeof AUDIENCES)[number];

export const COMPARISONS = ['previous', 'year', 'none'] as const;
export type Comparison = (typeof COMPARISONS)[number];

export interface Filter {
  readonly dimension: DimensionName;
  /** A session fits if it has one of these; as the lists show them, `(none)` and `Direct` too. */
  readonly values: readonly string[];
}

/** What is looked at. */
export interface View {
  readonly project: string;
  readonly range: Preset | Days;
  readonly compare: Comparison;
  /** What a point of the chart is; undefined: what suits the range. */
  readonly unit: Unit | undefined;
  readonly audience: Audience;
  /** All of them have to fit. By name. */
  readonly filters: readonly Filter[];
}

/** An address that nobody can answer: one sentence for a person. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
}

/** Parameters of a query string, as fastify reads them. */
export type Parameters = Readonly<Record<string, string | readonly string[] | undefined>>;

/** More make an address that nobody reads, and a query that takes long to plan. */
const FILTERS_MAX = 10;
const VALUES_MAX = 20;
const VALUE_LENGTH_MAX = 1_024;

export const DEFAULT_PRESET: Preset = '30d';

/** @throws AddressError that names the parameter */
export function parseView(parameters: Parameters): View {
  return {
    project: parseProject(parameters),
    range: parseRange(parameters),
    compare: oneOf(COMPARISONS, 'compare', parameters) ?? 'previous',
    unit: oneOf(UNITS, 'unit', parameters),
    audience: oneOf(AUDIENCES, 'audience', parameters) ?? 'people',
    filters: parseFilters(parameters),
  };
}

/** @throws AddressError */
export function parseProject(parameters: Parameters): string {
  const project = single('project', parameters) ?? '';
  if (!PROJECT_PATTERN.test(project)) {
    throw new AddressError('project must be 1 to 64 characters a-z, 0-9, _ or -');
  }
  return project;
}

function parseRange(parameters: Parameters): Preset | Days {
  const from = single('from', parameters);
  const to = single('to', parameters);
  if (from === undefined && to === undefined) {
    return oneOf(PRESETS, 'range', parameters) ?? DEFAULT_PRESET;
  }
  const days = { from: parseDay('from', from), to: parseDay('to', to) };
  if (days.from > days.to) throw new AddressError('from must not be after to');
  return days;
}

function parseDay(name: string, text = ''): string {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // Date.parse reads 2026-02-30 as the 2nd of March.
  const isDay = !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
  // What a Date of ClickHouse can hold.
  if (!isDay || text < '1970-01-02' || text > '2149-06-05') {
    throw new AddressError(`${name} must be a day such as 2026-03-01`);
  }
  return text;
}

function parseFilters(parameters: Parameters): Filter[] {
  const filters = Object.keys(parameters)
    .filter(isDimension)
    .sort()
    .map((dimension): Filter => ({ dimension, values: valuesOf(dimension, parameters) }));
  if (filters.length > FILTERS_MAX) {
    throw new AddressError(`there may be ${FILTERS_MAX} filters at most`);
  }
  return filters;
}

function valuesOf(name: string, parameters: Parameters): string[] {
  const values = [...new Set(all(name, parameters))].sort();
  if (values.length > VALUES_MAX) {
    throw new AddressError(`${name} may have ${VALUES_MAX} values at most`);
  }
  if (values.some((value) => value === '' || value.length > VALUE_LENGTH_MAX)) {
    throw new AddressError(`${name} must have 1 to ${VALUE_LENGTH_MAX} characters`);
  }
  return values;
}

/** @throws AddressError where it is none of them */
export function oneOf<T extends string>(
  choices: readonly T[],
  name: string,
  parameters: Parameters,
): T | undefined {
  const text = single(name, parameters);
  if (text === undefined) return undefined;
  const choice = choices.find((one) => one === text);
  if (choice === undefined) throw new AddressError(`${name} must be ${choices.join(', ')}`);
  return choice;
}

/** @returns undefined where it is missing or empty @throws AddressError where it is there twice */
export function single(name: string, parameters: Parameters): string | undefined {
  const [first, ...more] = all(name, parameters);
  if (more.length > 0) throw new AddressError(`${name} may be there once only`);
  return first === '' ? undefined : first;
}

function all(name: string, parameters: Parameters): readonly string[] {
  const value = parameters[name];
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
