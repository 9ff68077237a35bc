/**
 * How the tables of known sources are written, in this folder and by a project. One line a source: its name, and
 * the marks it is known by, with spaces between them. A mark is
 *
 *     facebook           a word, as people write it in `utm_source`; spaces and `_` in theirs are read as `-`
 *     facebook.com       a host, and whatever lies below it (`l.facebook.com`)
 *     =yahoo.com         this host alone, with or without `www.` and `m.`: what lies below is something else
 *     pinterest.*        a name under any country's domain (`pinterest.de`, `pinterest.co.uk`)
 *     app:com.facebook   an Android app, and every app whose name begins so (`com.facebook.katana`)
 *
 * The more exact mark wins: `mail.google.com` is no search because it is in another table.
 */

/** What sort of place a source is. `other` has a name of its own, and is a referral as any. */
export type SourceKind =
  | 'search'
  | 'social'
  | 'video'
  | 'shopping'
  | 'assistant'
  | 'email'
  | 'sms'
  | 'push'
  | 'affiliates'
  | 'audio'
  | 'display'
  | 'other';

/** Sources of one kind: name, and its marks. */
export type SourceTable = Readonly<Record<string, string>>;

/** What a project says about a mark of its own: its kind alone, or more. */
export type ProjectSource =
  | SourceKind
  | {
      readonly kind?: SourceKind;
      /** Shown in place of the word or host. */
      readonly name?: string;
      /** Everything with this mark has been paid for, whatever its medium. */
      readonly paid?: boolean;
    };

/** A project's own sources by mark; they win over the tables here. */
export type ProjectSources = Readonly<Record<string, ProjectSource>>;
