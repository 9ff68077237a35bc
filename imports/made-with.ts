/** What ids of visitors and the site of events are made with, kept in the plan as hashes: read by others it is other sessions. */
import { hash } from 'node:crypto';
import { SojournError } from '../shared/errors.ts';
import type { ImportPlan } from '../shared/import-plan.ts';

export interface MadeWith {
  /** See `salt.ts`. */
  readonly salt: string;
  /** As `--host` names it. */
  readonly host?: string | undefined;
}

export type MadeWithHashes = Pick<ImportPlan, 'saltHash' | 'hostHash'>;

/** @param madeWith undefined for our own events, which have sessions and sites of their own */
export function hashesOf(madeWith: MadeWith | undefined): MadeWithHashes {
  if (madeWith === undefined) return {};
  const { salt, host = '' } = madeWith;
  return { saltHash: hash('sha256', salt), hostHash: hash('sha256', host) };
}

/** Plans of earlier versions say nothing, and go on with whatever they are given. @throws SojournError `SJ_USAGE` */
export function failWhereMadeOtherwise(
  { id, saltHash, hostHash }: MadeWithHashes & Pick<ImportPlan, 'id'>,
  now: MadeWithHashes,
): void {
  if (hostHash !== undefined && hostHash !== now.hostHash) {
    throw new SojournError(
      'SJ_USAGE',
      `import ${id} was begun with another --host: go on with that one, or take it back (\`sojourn import undo ${id}\`) and import again`,
    );
  }
  if (saltHash !== undefined && saltHash !== now.saltHash) {
    throw new SojournError(
      'SJ_USAGE',
      `import ${id} was begun from another data directory, whose salt (imports/salt) its visitors' ids are made with: go on from there, or take it back (\`sojourn import undo ${id}\`) and import again`,
    );
  }
}
