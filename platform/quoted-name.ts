/** A name of ClickHouse (of a user, of a cluster) as an identifier in SQL, whatever is in it: a dash, a backtick. */
export function quotedName(name: string): string {
  return `\`${name.replace(/[`\\]/g, '\\$&')}\``;
}
