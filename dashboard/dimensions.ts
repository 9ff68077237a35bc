/**
 * What sessions can be listed and filtered by: a line each. The name is what stands in an address and
 * in the API, the column is that of the view `visits`, and `empty` is how the views of *Start here*
 * (docs/bi.md) name the sessions of which nobody said.
 */
export interface SessionDimension {
  readonly column: string;
  readonly empty: string;
}

const NONE = '(none)';

/* prettier-ignore */
export const SESSION_DIMENSIONS = {
  channel: { column: 'channel', empty: 'Direct' },
  source: { column: 'traffic_source', empty: 'Direct' },
  medium: { column: 'medium', empty: NONE },
  campaign: { column: 'campaign', empty: NONE },
  term: { column: 'term', empty: NONE },
  content: { column: 'content', empty: NONE },
  referrer: { column: 'referrer_host', empty: NONE },
  entry: { column: 'entry_path', empty: NONE },
  exit: { column: 'exit_path', empty: NONE },
  country: { column: 'country', empty: NONE },
  language: { column: 'language', empty: NONE },
  device: { column: 'device_type', empty: NONE },
  browser: { column: 'browser', empty: NONE },
  os: { column: 'os', empty: NONE },
  screen: { column: 'screen', empty: NONE },
  version: { column: 'app_version', empty: NONE },
} as const satisfies Readonly<Record<string, SessionDimension>>;

export type SessionDimensionName = keyof typeof SESSION_DIMENSIONS;

/** `channel`, or `dim.plan` for a dimension that the project has declared. */
export type DimensionName = SessionDimensionName | `dim.${string}`;

const DECLARED = /^dim\.[a-z][a-z0-9_]{0,62}$/;

export function isDimension(name: string): name is DimensionName {
  return Object.hasOwn(SESSION_DIMENSIONS, name) || DECLARED.test(name);
}

/** The name of a declared dimension; undefined for those that every project has. */
export function declaredName(name: DimensionName): string | undefined {
  return name.startsWith('dim.') ? name.slice('dim.'.length) : undefined;
}
