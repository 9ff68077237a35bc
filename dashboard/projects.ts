/** What the page has to know of projects: which there are, and in whose days their numbers are told. */
import type { Zones } from '../shared/zones/index.ts';
import type { Database } from './database.ts';
import type { ProjectClock } from './period.ts';
import { type ProjectRow, PROJECTS } from './session-queries.ts';

export interface ProjectOnPage extends ProjectClock {
  readonly project: string;
  /** Names of declared dimensions. */
  readonly dimensions: readonly string[];
}

/** With what is asked for when its numbers are. */
export interface AskedProject extends ProjectOnPage {
  /** Rows of before this instant, epoch seconds, are deleted or about to be (docs/decisions/036); 0: none are. */
  readonly keptFrom: number;
}

/** Projects with sessions or settings, by name. */
export async function listProjects(
  database: Database,
  zones: Zones,
  signal?: AbortSignal,
): Promise<readonly ProjectOnPage[]> {
  const rows = await database.rows<ProjectRow>(PROJECTS, signal);
  return rows.map((row) => projectOf(row, zones));
}

/** One of them; that of which nobody has heard has the defaults. */
export async function findProject(
  database: Database,
  zones: Zones,
  project: string,
  signal?: AbortSignal,
): Promise<AskedProject> {
  const [row] = await database.rows<ProjectRow & { readonly kept_from: string | number }>(
    {
      sql: `SELECT project, time_zone, week, mapKeys(dimensions) AS dimensions,
          (SELECT toUnixTimestamp(max(k.kept_from)) FROM sojourn.kept_from AS k WHERE k.project = {project:String}) AS kept_from
        FROM sojourn.projects FINAL WHERE project = {project:String}`,
      params: { project },
    },
    signal,
  );
  // Only what has settings has a retention.
  return row === undefined
    ? { project, timeZone: 'UTC', week: 'monday', dimensions: [], keptFrom: 0 }
    : { ...projectOf(row, zones), keptFrom: Number(row.kept_from) };
}

/** A zone that only a newer version knows is as none: the views read it as UTC too. */
function projectOf(
  { project, time_zone, week, dimensions }: ProjectRow,
  zones: Zones,
): ProjectOnPage {
  return {
    project,
    timeZone: zones.isZone(time_zone) ? time_zone : 'UTC',
    week: week === 'sunday' ? 'sunday' : 'monday',
    dimensions: [...dimensions].sort(),
  };
}
