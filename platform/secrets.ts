/** Keeps credentials out of what people and logs get to see. */

/** URLs without user and password, wherever they stand in a text; rather too much goes than too little. */
export function withoutCredentials(text: string): string {
  if (!text.includes('@')) return text;
  // A password may hold a quote, a comma or a space; what begins another URL, or a line, ends it.
  return text
    .split(/(\n|[\s,](?=\w+:\/\/))/)
    .map(cutToLastAt)
    .join('');
}

/** Without what stands between the first `//` and the last `@`. */
function cutToLastAt(part: string): string {
  const [from, to] = [part.indexOf('//') + 2, part.lastIndexOf('@')];
  return from < 2 || to < from ? part : part.slice(0, from) + part.slice(to + 1);
}

/**
 * One or more addresses as somebody gave them, separated by commas, without user and password. In one that is not well
 * formed, a comma may be part of a password as well as anything else before the last `@`.
 */
export function publicAddress(text: string): string {
  const parts = text.split(',').map((part) => part.trim());
  const isList = parts.every((part) => /^\w+:\/\//.test(part) && URL.canParse(part));
  return (isList ? parts : [text])
    .map((part) => part.replace(/^((?:\w+:)?\/\/)?[^]*@/, '$1'))
    .join(',');
}

/** What a client's error may carry of a command it was sent: `AUTH` has the password in it. */
const COMMAND_FIELDS = new Set(['command', 'args', 'previousErrors', 'lastNodeError']);

/** A logged value without credentials: texts masked, and of errors no commands. Depth and width are bounded. */
export function masked(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return withoutCredentials(value);
  if (typeof value !== 'object' || value === null || depth > 6) return value;
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => masked(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !COMMAND_FIELDS.has(name))
      .map(([name, field]) => [name, masked(field, depth + 1)]),
  );
}
