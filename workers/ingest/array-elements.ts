/** Where the elements of a JSON array lie in its bytes. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * The elements as they stand in the message, byte for byte, without the space around them.
 * @param json a valid JSON array in UTF-8, a byte order mark before it or not
 */
export function elementSlices(json: Uint8Array): Uint8Array[] {
  const slices: Uint8Array[] = [];
  let depth = 0;
  let start = 0;
  let inString = false;
  const take = (end: number) => {
    const slice = trimmed(json, start, end);
    if (slice.length > 0) slices.push(slice);
    start = end + 1;
  };
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at] ?? 0;
    if (inString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
    } else if (OPENING.has(byte)) {
      depth += 1;
      if (depth === 1) start = at + 1;
    } else if (CLOSING.has(byte)) {
      depth -= 1;
      if (depth === 0) take(at);
    } else if (byte === COMMA && depth === 1) {
      take(at);
    }
  }
  return slices;
}

function trimmed(json: Uint8Array, from: number, to: number): Uint8Array {
  let [start, end] = [from, to];
  while (start < end && SPACE.has(json[start] ?? 0)) start += 1;
  while (end > start && SPACE.has(json[end - 1] ?? 0)) end -= 1;
  return json.subarray(start, end);
}
