/** Which project a tracker means by the key it brings. Pure: the settings of projects in, a look-up out. */
import type { ProjectSettings } from '../shared/project.ts';

export interface Keys {
  /** Undefined for a key that no project has. */
  projectOf(key: string | undefined): string | undefined;
}

/**
 * A look-up that follows the settings: it is made anew when they have changed.
 * @param all the settings of all projects, the same map until something changes
 * @param onTwice told of a key that several projects have; it is the one whose name comes first
 */
export function createKeys(
  all: () => ReadonlyMap<string, ProjectSettings>,
  onTwice: (projects: readonly string[]) => void,
): Keys {
  let read: ReadonlyMap<string, ProjectSettings> | undefined;
  let index: ReadonlyMap<string, string> = new Map();
  return {
    projectOf(key) {
      if (key === undefined || key === '') return undefined;
      const now = all();
      if (now !== read) {
        index = indexOf(now, onTwice);
        read = now;
      }
      return index.get(key);
    },
  };
}

function indexOf(
  all: ReadonlyMap<string, ProjectSettings>,
  onTwice: (projects: readonly string[]) => void,
): ReadonlyMap<string, string> {
  const index = new Map<string, string>();
  for (const project of [...all.keys()].sort()) {
    for (const key of all.get(project)?.collectKeys ?? []) {
      const other = index.get(key);
      if (other === undefined) index.set(key, project);
      else onTwice([other, project]);
    }
  }
  return index;
}
