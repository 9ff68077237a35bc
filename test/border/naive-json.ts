/**
 * JSON, read slowly and plainly: one character after the other, every value with the place it has in the text and
 * numbers as the characters they are. It shares nothing with what it is a second opinion on.
 */

interface Place {
  readonly start: number;
  readonly end: number;
  /** Objects and arrays around the innermost value, this one counted. */
  readonly depth: number;
}

export type Node = Place &
  (
    | { readonly kind: 'string'; readonly text: string }
    | { readonly kind: 'number'; readonly text: string }
    | { readonly kind: 'word'; readonly text: string }
    | { readonly kind: 'array'; readonly items: readonly Node[] }
    | { readonly kind: 'object'; readonly fields: readonly (readonly [string, Node])[] }
  );

class NoJson extends Error {}

/** @returns undefined where the text is no JSON */
export function readJson(text: string): Node | undefined {
  try {
    const node = readValue(text, space(text, 0));
    return space(text, node.end) === text.length ? node : undefined;
  } catch (error) {
    if (error instanceof NoJson) return undefined;
    throw error;
  }
}

/** The value of a field; of several the last one. */
export function fieldOf(node: Node, name: string): Node | undefined {
  if (node.kind !== 'object') return undefined;
  return node.fields.filter(([key]) => key === name).at(-1)?.[1];
}

function readValue(text: string, start: number): Node {
  const first = text[start];
  if (first === '{') return readObject(text, start);
  if (first === '[') return readArray(text, start);
  if (first === '"') return readString(text, start);
  for (const word of ['true', 'false', 'null']) {
    if (text.startsWith(word, start)) {
      return { kind: 'word', text: word, start, end: start + word.length, depth: 0 };
    }
  }
  const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
  number.lastIndex = start;
  const found = number.exec(text)?.[0];
  if (found === undefined) throw new NoJson();
  return { kind: 'number', text: found, start, end: start + found.length, depth: 0 };
}

function readArray(text: string, start: number): Node {
  const items: Node[] = [];
  let depth = 1;
  let at = space(text, start + 1);
  if (text[at] === ']') return { kind: 'array', items, start, end: at + 1, depth };
  for (;;) {
    const item = readValue(text, at);
    items.push(item);
    depth = Math.max(depth, item.depth + 1);
    at = space(text, item.end);
    if (text[at] === ']') return { kind: 'array', items, start, end: at + 1, depth };
    if (text[at] !== ',') throw new NoJson();
    at = space(text, at + 1);
  }
}

function readObject(text: string, start: number): Node {
  const fields: [string, Node][] = [];
  let depth = 1;
  let at = space(text, start + 1);
  if (text[at] === '}') return { kind: 'object', fields, start, end: at + 1, depth };
  for (;;) {
    if (text[at] !== '"') throw new NoJson();
    const key = readString(text, at);
    at = space(text, key.end);
    if (text[at] !== ':') throw new NoJson();
    const value = readValue(text, space(text, at + 1));
    fields.push([key.text, value]);
    depth = Math.max(depth, value.depth + 1);
    at = space(text, value.end);
    if (text[at] === '}') return { kind: 'object', fields, start, end: at + 1, depth };
    if (text[at] !== ',') throw new NoJson();
    at = space(text, at + 1);
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

function readString(text: string, start: number): Node & { readonly kind: 'string' } {
  const pieces: string[] = [];
  let from = start + 1;
  for (let at = from; ; at += 1) {
    const char = text[at];
    if (char === undefined || char < ' ') throw new NoJson();
    if (char !== '"' && char !== '\\') continue;
    pieces.push(text.slice(from, at));
    if (char === '"') {
      return { kind: 'string', text: pieces.join(''), start, end: at + 1, depth: 0 };
    }
    const escape = text[at + 1] ?? '';
    if (escape === 'u') {
      const digits = text.slice(at + 2, at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new NoJson();
      pieces.push(String.fromCharCode(Number.parseInt(digits, 16)));
      at += 5;
    } else {
      const meant = ESCAPES[escape];
      if (meant === undefined) throw new NoJson();
      pieces.push(meant);
      at += 1;
    }
    from = at + 1;
  }
}

function space(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\n' || text[at] === '\r') at += 1;
  return at;
}
