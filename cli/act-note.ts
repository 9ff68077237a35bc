/** Who does something to a session, and why, as the options of a command say it. */
import { operatorName } from '../platform/operator.ts';
import { type ActNote, noteOf } from '../shared/acts.ts';

export interface NoteOptions {
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

export function actNote({ by, reason }: NoteOptions): ActNote {
  return noteOf({ by: by ?? operatorName(), reason });
}
