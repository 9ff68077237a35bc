/**
 * Whom an import takes nothing of. Its files are read by the list of the moment at which it begins, and that may take long:
 * where the list is another one at the end, they are read anew by that. Its plan says which list it was; whoever goes on
 * with it has the same sessions in the same chunks only by the same list.
 */
import { createHash } from 'node:crypto';
import { readForgotten } from '../platform/forgotten-bucket.ts';
import type { Nats } from '../platform/nats.ts';
import { SojournError } from '../shared/errors.ts';
import { type ForgottenList, keyOfPerson } from '../shared/forgotten.ts';
import type { ImportPlan } from '../shared/import-plan.ts';

/** People of the project. @throws as `readForgotten` does */
export async function forgottenNow(
  nats: Pick<Nats, 'js'>,
  project: string,
): Promise<ForgottenList> {
  const { key, people } = await readForgotten(nats);
  return { key, people: people.filter((person) => person.project === project) };
}

/** The same for the same people, up to the same times, in any order. It names nobody. */
export function markOf({ key, people }: ForgottenList): string {
  const lines = people.map((person) => `${keyOfPerson(person)} ${person.until}`).sort();
  return createHash('sha256')
    .update([key, ...lines].join('\n'))
    .digest('base64url')
    .slice(0, 22);
}

/** More often than that only where people are forgotten one after the other. */
const READINGS_MAX = 3;

/**
 * What was read by a list that is still the list when it is read.
 * @param now gives the list
 * @param read reads all of it, from the beginning; the same records have the same id
 * @throws SojournError `SJ_USAGE` where it cannot be read again, `SJ_TIMEOUT` where the list is another one each time;
 * what the two throw
 */
export async function readByLatest<T extends { readonly files: { readonly id: string } }>(
  now: () => Promise<ForgottenList>,
  read: (forgotten: ForgottenList) => Promise<T>,
): Promise<{ readonly read: T; readonly forgotten: ForgottenList }> {
  let forgotten = await now();
  let id: string | undefined;
  for (let readings = 0; readings < READINGS_MAX; readings += 1) {
    const one = await read(forgotten);
    if (id !== undefined && one.files.id !== id) throw new SojournError('SJ_USAGE', NOT_AGAIN);
    id = one.files.id;
    const latest = await now();
    if (markOf(latest) === markOf(forgotten)) return { read: one, forgotten };
    forgotten = latest;
  }
  throw new SojournError(
    'SJ_TIMEOUT',
    `each of the ${READINGS_MAX} times that the files were read, somebody of the project was forgotten meanwhile; nothing was imported: run the same command again when \`sojourn forget\` is through`,
  );
}

const NOT_AGAIN =
  'somebody of the project was forgotten while the files were read, and these have changed since, or came from standard input, which cannot be read again; nothing was imported: run the same command again';

/**
 * Before anything of it is loaded or goes on being loaded.
 * @param lists the one that the files were read by, and the one of now
 * @throws SojournError `SJ_USAGE` where either is not the plan's
 */
export function failWhereForgottenSince(
  { id, forgotten }: Pick<ImportPlan, 'id' | 'forgotten'>,
  ...lists: readonly [read: ForgottenList, now: ForgottenList]
): void {
  const [read, now] = lists.map(markOf);
  const planned = forgotten ?? read;
  if (read === planned && now === planned) return;
  throw new SojournError(
    'SJ_USAGE',
    `somebody of the project was forgotten since import ${id} was begun, so its chunks would hold other sessions now: take it back (\`sojourn import undo ${id}\`), then run the same command again`,
  );
}
