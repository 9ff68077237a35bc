/** Keeps credentials out of what people and logs get to see. */

/** URLs without user and password, wherever they stand in a text; rather too much goes than too little. */
export function withoutCredentials(text: string): string {
  // Up to the last @ of what has no space or quote in it: a password may hold anything else.
  return text.replace(/\/\/[^\s"'`<>,]*@/g, '//');
}

/** An address as somebody gave it, well formed or not: what stands before an @ may be a password. */
export function maskedAddress(text: string): string {
  return withoutCredentials(text).replace(/[^\s"'`<>,/]*@/g, '');
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
