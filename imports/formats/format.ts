/** What a format is: a pure reader of the lines or rows of one file. */
import type { Tracked } from '../../trackers/event.ts';

/** Line of a text without its line feed, or row of a Parquet file. */
export interface Record_ {
  /** From 1 within the file. */
  readonly line: number;
  readonly data: Uint8Array | Readonly<Record<string, unknown>>;
}

/** Has state for one file only: heads of CSV, `#Fields`, a quoted value that goes on in the next line. */
export interface FileReader {
  /** Throws at nothing, and takes time in proportion to the record. */
  read(record: Record_): Tracked;
  /** After the last record: faults about what was begun and not ended. */
  end?(): Tracked;
}

export interface FormatOptions {
  readonly file: string;
  /** For hashes of addresses; addresses themselves never leave the format. */
  readonly salt: string;
  /** Of the site, where the file does not name it. */
  readonly host?: string;
}

export interface ImportFormat {
  /** As `--format` says. */
  readonly name: string;
  /** One line for `--help`. */
  readonly about: string;
  readonly takes: 'lines' | 'rows' | 'both';
  /** Of Parquet: all columns that are read; others can be left out of memory. */
  readonly columns?: readonly string[];
  /** Its visitors' ids are made with the salt: with another one they are others. */
  readonly usesSalt?: true;
  /** Its events are of the site that is named, where the file names none. */
  readonly usesHost?: true;
  /** Why nothing of this format is taken: a sentence for whoever asks. */
  readonly refused?: string;
  open(options: FormatOptions): FileReader;
}
