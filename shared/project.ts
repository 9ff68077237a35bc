/** What is set for a project: how its events are read, and in whose days its numbers are told. */

export interface ProjectSettings {
  /** IANA name; `UTC` where nobody says. */
  readonly timeZone: string;
  /** First day of the week. */
  readonly week: 'monday' | 'sunday';
  /** What revenue is in where an event does not say. */
  readonly currency?: string;
  /** Hosts that are the project's own: a visitor who comes from there comes from nowhere else. */
  readonly ownHosts: readonly string[];
  /** Declared dimensions: the property that each is read from, by name. */
  readonly dimensions: Readonly<Record<string, string>>;
}

/** Those of a project for which nothing is set. */
export const DEFAULT_SETTINGS: ProjectSettings = {
  timeZone: 'UTC',
  week: 'monday',
  ownHosts: [],
  dimensions: {},
};
