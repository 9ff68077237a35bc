/**
 * Imports of one project go one after the other: what is decided about a session goes by what is in `sessions`. Two at a time
 * would both load a session that is in both, and what an unfinished undo deletes is neither there nor gone.
 */
import { SojournError } from '../shared/errors.ts';
import type { ImportRow } from './import-tables.ts';

export type ImportOfProject = Pick<ImportRow, 'project' | 'id' | 'state' | 'beganAt'>;
/** Without a state where it is not noted yet. */
type Own = Pick<ImportOfProject, 'id'> & Partial<ImportOfProject>;

/**
 * Whether an import may load.
 * @param all imports of its project, its own lives too
 * @throws SojournError `SJ_USAGE`, which says what has to be done first
 */
export function failWhereNotAlone(all: readonly ImportOfProject[], own: Own): void {
  const other = all.find(({ state }) => state === 'taking_back') ?? loadingBefore(all, own);
  if (other !== undefined) throw refusal(other);
}

/**
 * Where imports stand, as a text: the same before and after, where none has begun, loaded or taken back anything.
 * @param own left out
 */
export function standOf(
  all: readonly Pick<ImportRow, 'id' | 'life' | 'state'>[],
  own?: Pick<ImportRow, 'id' | 'life'>,
): string {
  return all
    .filter(({ id, life }) => id !== own?.id || life !== own.life)
    .map(({ id, life, state }) => `${id} ${life} ${state}`)
    .sort()
    .join('\n');
}

/** Whether an import may be taken back; one that is already being taken back always may. @throws as {@link failWhereNotAlone} */
export function failWhereOthersLoad(all: readonly ImportOfProject[], own: Own): void {
  const other = own.state === 'taking_back' ? undefined : loadingBefore(all, own);
  if (other !== undefined) throw refusal(other);
}

function loadingBefore(all: readonly ImportOfProject[], own: Own): ImportOfProject | undefined {
  return all.find(
    (other) => other.id !== own.id && other.state === 'loading' && !isBefore(own, other),
  );
}

/** Of two that have begun at once the earlier one goes on: so there is always one that may. */
function isBefore({ id, state, beganAt = Infinity }: Own, other: ImportOfProject): boolean {
  if (state !== 'loading') return false;
  return beganAt === other.beganAt ? id < other.id : beganAt < other.beganAt;
}

function refusal({ id, project, state }: ImportOfProject): SojournError {
  const todo =
    state === 'taking_back'
      ? `import ${id} of project ${project} is being taken back: finish that (\`sojourn import undo ${id}\`)`
      : `import ${id} of project ${project} is not finished: run it to its end, or take it back (\`sojourn import undo ${id}\`)`;
  return new SojournError('SJ_USAGE', `${todo}, then this`);
}
