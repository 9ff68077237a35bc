/** The subject a message is published to. */

const decoder = new TextDecoder();

/** CONTRACT, section 1: an event type has at most 64 characters. Beyond NATS's line limit it breaks the connection. */
const TOKEN_CHARS_MAX = 64;

/** `events.<project>.<eventType>`, with `_` where a message has no event type of its own. */
export function eventSubject(project: string, data: Uint8Array): string {
  return `events.${project}.${eventTypeToken(data)}`;
}

/** The last token: the event's type, with `_` for characters that NATS does not take in a token. */
export function eventTypeToken(data: Uint8Array): string {
  // An array has many types, and anything else none.
  if (firstCharacter(data) !== '{') return '_';
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(data));
  } catch {
    return '_';
  }
  const type = (value as { readonly eventType?: unknown }).eventType;
  return typeof type === 'string' ? subjectToken(type) : '_';
}

/** A text as one token of a subject. */
export function subjectToken(text: string): string {
  const short = Array.from(text.slice(0, TOKEN_CHARS_MAX * 2)).slice(0, TOKEN_CHARS_MAX);
  const token = short
    .join('')
    .toWellFormed()
    .replace(/[\s\p{C}.*>]/gu, '_');
  return token === '' ? '_' : token;
}

function firstCharacter(data: Uint8Array): string {
  // A byte order mark is skipped, as the decoder does.
  const start = data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf ? 3 : 0;
  const first = data
    .subarray(start)
    .find((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0d);
  return first === undefined ? '' : String.fromCharCode(first);
}
