/**
 * What an analyst of one project may see, and as what user. Views read as whoever asks (SQL SECURITY INVOKER), so a row
 * policy on each table that holds rows of projects reaches through all of them. A view that reads as its definer does not
 * pass policies on: none may be in these lists but with a policy of its own, and a test sees to it.
 *
 * Rights are named one by one. What a later version adds is out of an analyst's sight until it is put here.
 */

/** What is made for analysts has this in its name, and nothing else has. */
export const ANALYST_PREFIX = 'sojourn_analyst_';

/** Tables with rows of projects, each with a column `project`. */
export const PROJECT_TABLES = [
  ...['metrics', 'sessions', 'projects', 'project_clocks', 'kept_from', 'full_dimensions'],
] as const;

/** What is the same for all projects. */
const COMMON_TABLES = ['zones'] as const;

const VIEWS = [
  ...['overview_hourly', 'overview_daily', 'overview_weekly_monday', 'overview_weekly_sunday'],
  ...['overview_monthly', 'channels_daily', 'sources_daily', 'campaigns_daily', 'devices_daily'],
  ...['countries_daily', 'browsers_daily', 'systems_daily', 'entry_pages_daily', 'pages_daily'],
  ...['events_daily', 'revenue_daily', 'visits', 'visitors_now', 'sessions_current'],
  ...['bounce_rate', 'engagement_rate', 'average_session_duration', 'pages_per_session'],
  ...['conversion_rate', 'unique_users', 'metrics_daily', 'metrics_weekly', 'metrics_monthly'],
  ...['project_offsets', 'session_days', 'session_hours', 'event_days', 'event_hours'],
  ...['overview_hour_parts', 'audit', 'audit_filed', 'drift'],
  ...['mediums_daily', 'referrers_daily', 'languages_daily', 'screens_daily', 'app_versions_daily'],
  ...['user_types_daily', 'dimensions_daily', 'conversions_daily', 'event_dimensions_daily'],
  ...['revenue_sources_daily', 'totals_daily', 'visit_days', 'day_measures'],
  'definitions_daily',
] as const;

/** What analysts may read, in the database `sojourn`. */
export const ANALYST_RELATIONS: readonly string[] = [...PROJECT_TABLES, ...COMMON_TABLES, ...VIEWS];

/**
 * What they may not: the loader's, and what passes on rows of all projects. (To read a materialized view is to read its
 * table past the table's policy.)
 */
export const CLOSED_TO_ANALYSTS: readonly string[] = [
  ...['loaded_ranges', 'metrics_inbox', 'metrics_intake', 'project_clocks_intake'],
  ...['full_dimensions_inbox', 'full_dimensions_intake'],
  ...['sessions_inbox', 'sessions_intake', 'import_sessions_inbox', 'import_sessions_intake'],
  ...['import_rows_inbox', 'import_rows_intake'],
  ...['imports', 'import_sessions', 'import_rows', 'forgotten', 'forgetting'],
  'schema_migrations',
];

/** The ClickHouse user of an analyst. @param name as project names are: nothing in it needs to be escaped but for backticks around it */
export function analystUser(name: string): string {
  return `${ANALYST_PREFIX}${name}`;
}

/** The grants, without whom they are for. */
export function analystGrants(database: string): readonly string[] {
  return [
    ...ANALYST_RELATIONS.map((relation) => `SELECT ON ${database}.${relation}`),
    'SELECT ON information_schema.columns',
    'SELECT ON INFORMATION_SCHEMA.COLUMNS',
  ];
}

/** The condition of the row policies. @param project one that keeps to the pattern of projects */
export function projectCondition(project: string): string {
  return `project = '${project}'`;
}

/** The inverse of {@link projectCondition}. @returns undefined where it is none of ours */
export function projectOfCondition(condition: string): string | undefined {
  return /^\(?project = '([a-z0-9_-]{1,64})'\)?$/.exec(condition)?.[1];
}
