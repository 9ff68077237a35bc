/** Sizes as people write them: `50GB`, `512MiB`, `1048576`. */

const UNITS = {
  B: 1n,
  kB: 1_000n,
  MB: 1_000_000n,
  GB: 1_000_000_000n,
  TB: 1_000_000_000_000n,
  KiB: 1024n,
  MiB: 1024n ** 2n,
  GiB: 1024n ** 3n,
  TiB: 1024n ** 4n,
} as const;

/** Bytes of a size such as `50GB`, `1.5GiB` or `1048576`; undefined for any other text, and for a part of a byte. */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d{1,16})(?:\.(\d{1,6}))?\s?(B|[kMGT]B|[KMGT]iB)?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, whole = '', part = '', unit = 'B'] = match;
  const scaled = BigInt(whole + part) * UNITS[unit as keyof typeof UNITS];
  const scale = 10n ** BigInt(part.length);
  const bytes = Number(scaled / scale);
  return scaled % scale === 0n && Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** In the largest unit that it is a whole number of: what {@link parseByteSize} reads back as the same. */
export function byteSizeText(bytes: number): string {
  let text = String(bytes);
  let largest = 1n;
  for (const [unit, size] of Object.entries(UNITS)) {
    const isWhole = bytes > 0 && BigInt(bytes) % size === 0n;
    if (!isWhole || size <= largest) continue;
    largest = size;
    text = `${BigInt(bytes) / size}${unit}`;
  }
  return text;
}
