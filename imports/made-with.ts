/** What ids of visitors and the site of events are made with, kept in the plan as hashes: read by others it is other sessions. */
import { hash } from 'node:crypto';
import { SojournError } from '../shared/errors.ts';
import type { ImportPlan } from '../shared/import-plan.ts';
import type { FormatOptions, ImportFormat } from './formats/format.ts';

/** Only what the format makes anything with: the rest may be another one for whoever goes on. */
export interface MadeWith {
  /** See `salt.ts`. */
  readonly salt?: string;
  /** As `--host` names it; empty where it names none. */
  readonly host?: string;
}

export type MadeWithHashes = Pick<ImportPlan, 'saltHash' | 'hostHash'>;

export function madeWithOf(
  { usesSalt, usesHost }: Pick<ImportFormat, 'usesSalt' | 'usesHost'>,
  { salt, host = '' }: Pick<FormatOptions, 'salt' | 'host'>,
): MadeWith {
  return { ...(usesSalt && { salt }), ...(usesHost && { host }) };
}

/** @param madeWith undefined for our own events, which have sessions and sites of their own */
export function hashesOf({ salt, host }: MadeWith = {}): MadeWithHashes {
  return {
    ...(salt !== undefined && { saltHash: hash('sha256', salt) }),
    ...(host !== undefined && { hostHash: hash('sha256', host) }),
  };
}

/**
 * Plans of earlier versions say nothing, or name what their format makes nothing with: neither keeps anybody from going on.
 * @throws SojournError `SJ_USAGE`
 */
export function failWhereMadeOtherwise(
  { id, saltHash, hostHash }: MadeWithHashes & Pick<ImportPlan, 'id'>,
  now: MadeWithHashes,
): void {
  if (isOther(hostHash, now.hostHash)) {
    throw new SojournError(
      'SJ_USAGE',
      `import ${id} was begun with another --host: go on with that one, or take it back (\`sojourn import undo ${id}\`) and import again`,
    );
  }
  if (isOther(saltHash, now.saltHash)) {
    throw new SojournError(
      'SJ_USAGE',
      `import ${id} was begun from another data directory, whose salt (imports/salt) its visitors' ids are made with: go on from there, or take it back (\`sojourn import undo ${id}\`) and import again`,
    );
  }
}

function isOther(planned: string | undefined, now: string | undefined): boolean {
  return planned !== undefined && now !== undefined && planned !== now;
}
