/** Which events a session knows: what it remembers of an id, and how that travels. */

/** Takes no more bytes as JSON than characters, and no more than the hash. */
const KEPT_AS_IT_IS = /^[\x20-\x21\x23-\x5b\x5d-\x7d][\x20-\x21\x23-\x5b\x5d-\x7e]{0,23}$/;

/** Odd numbers with well mixed bits, one a lane. */
const PRIMES = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f] as const;

/**
 * What is remembered of an id: at most 25 characters that JSON writes as one byte each. Longer ids, and those that
 * JSON would have to escape, by a hash of 128 bits. It is worked out where there is no library for it, and need not
 * withstand an attack: a producer that looks for two ids with one hash can only hide its own events from itself.
 */
export function rememberedId(id: string): string {
  return KEPT_AS_IT_IS.test(id) ? id : `~${hash(id)}`;
}

function hash(text: string): string {
  const lanes = PRIMES.map((prime, lane) => prime ^ (text.length + lane));
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    for (let lane = 0; lane < 4; lane += 1) {
      const mixed = Math.imul((lanes[lane] ?? 0) ^ code, PRIMES[lane] ?? 1);
      lanes[lane] = (mixed << 13) | (mixed >>> 19);
    }
  }
  // Each lane hears of the others, twice, so that no bit of the id is in one of them only.
  for (let round = 0; round < 8; round += 1) {
    const lane = round % 4;
    const mixed = Math.imul((lanes[lane] ?? 0) ^ ((lanes[(lane + 3) % 4] ?? 0) >>> 15), 0x2c1b3c6d);
    lanes[lane] = mixed ^ (mixed >>> 16) ^ (lanes[(lane + 1) % 4] ?? 0);
  }
  return lanes.map((lane) => (lane >>> 0).toString(36).padStart(6, '0').slice(-6)).join('');
}

/** Ids with the sequence each came with; a number is the distance of the next ones' from the sequence before. */
export type IdsWire = readonly (string | number)[];

export function encodeIds(ids: ReadonlyMap<string, number>): IdsWire {
  const wire: (string | number)[] = [];
  let last = 0;
  for (const [id, seq] of ids) {
    if (seq !== last) wire.push(seq - last);
    last = seq;
    wire.push(id);
  }
  return wire;
}

/** The inverse of {@link encodeIds}. */
export function decodeIds(wire: IdsWire): Map<string, number> {
  const ids = new Map<string, number>();
  let seq = 0;
  for (const part of wire) {
    if (typeof part === 'number') seq += part;
    else ids.set(part, seq);
  }
  return ids;
}
