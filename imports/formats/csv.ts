/**
 * Rows of CSV and TSV out of lines that were cut before: a quoted value may go on in the next line, so a row may take
 * several. Linear in the text; a row is bounded.
 */

const ROW_CHARS_MAX = 4 * 1_024 * 1_024;

/** One row at most comes out of each line. */
export class CsvRows {
  #separator: string | undefined;
  /** What is written with tabs has backslashes, unless its head shows quotes: a title may begin with one. */
  #hasQuotes = true;
  #values: string[] = [];
  /** The parts of a quoted value that has begun and not ended. */
  #open: string[] | undefined;
  #chars = 0;

  /** Whether a quoted value waits for its other quote. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /**
   * @returns the values; undefined where the row goes on in the next line; a sentence for one that is too long, which
   *   is given up
   */
  push(line: string): readonly string[] | undefined | { readonly fault: string } {
    if (this.#separator === undefined) {
      this.#separator = separatorOf(line);
      this.#hasQuotes = this.#separator !== '\t' || line.includes('"');
    }
    this.#chars += line.length;
    if (this.#chars > ROW_CHARS_MAX) {
      this.#restart();
      return { fault: 'a quoted value has no end' };
    }
    if (!this.#hasQuotes) this.#values = line.split('\t').map(unescaped);
    else if (!this.#readQuotable(line)) return undefined;
    const values = this.#values;
    this.#restart();
    return values;
  }

  #restart(): void {
    this.#values = [];
    this.#open = undefined;
    this.#chars = 0;
  }

  /** @returns whether the row ends here */
  #readQuotable(line: string): boolean {
    let at = 0;
    if (this.#open !== undefined) {
      this.#open.push('\n');
      const end = this.#readQuoted(line, 0);
      if (end < 0) return false;
      at = end + 1;
    }
    const separator = this.#separator ?? ',';
    for (; at <= line.length; at += 1) {
      if (line.charCodeAt(at) === 0x22) {
        this.#open = [];
        const end = this.#readQuoted(line, at + 1);
        if (end < 0) return false;
        at = end;
      } else {
        const next = line.indexOf(separator, at);
        const end = next < 0 ? line.length : next;
        const value = line.slice(at, end);
        this.#values.push(value === '\\N' ? '' : value);
        at = end;
      }
    }
    return true;
  }

  /** @returns the place of the separator behind the closing quote, or of the end; -1 where the value goes on */
  #readQuoted(line: string, start: number): number {
    const parts = this.#open ?? [];
    for (let at = start; ;) {
      const quote = line.indexOf('"', at);
      if (quote < 0) {
        parts.push(line.slice(at));
        return -1;
      }
      parts.push(line.slice(at, quote));
      if (line.charCodeAt(quote + 1) === 0x22) {
        parts.push('"');
        at = quote + 2;
        continue;
      }
      this.#values.push(parts.join(''));
      this.#open = undefined;
      const next = line.indexOf(this.#separator ?? ',', quote);
      return next < 0 ? line.length : next;
    }
  }
}

/** What parts the names of a head: the sign that it has most of. */
function separatorOf(head: string): string {
  const counts = [',', '\t', ';'].map((sign) => [sign, head.split(sign).length] as const);
  return counts.reduce((most, other) => (other[1] > most[1] ? other : most))[0];
}

/** As MySQL and PostgreSQL write it: a backslash before what would part values, `\\N` for nothing. */
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0' };

function unescaped(value: string): string {
  // As the program `mysql` writes nothing, where exports to a file write \\N.
  if (value === 'NULL') return '';
  if (!value.includes('\\')) return value;
  return value === '\\N'
    ? ''
    : value.replace(/\\(.)/gs, (_, sign: string) => ESCAPES[sign] ?? sign);
}
