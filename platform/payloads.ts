/** What histories hold of arguments, signals and results. */
import type { temporal } from '@temporalio/proto';
import { payloadConverter } from '../workflows/payload-converter.ts';

export type Payloads = temporal.api.common.v1.IPayloads | null | undefined;

/** The first of them; undefined where there is none. @throws what decoding throws */
export function firstOf(payloads: Payloads): unknown {
  const [payload] = payloads?.payloads ?? [];
  return payload && payloadConverter.fromPayload(payload);
}

/** What came with a signal; nothing where it cannot be read, which then is no batch. */
export function readable(payloads: Payloads): unknown {
  try {
    return firstOf(payloads);
  } catch {
    return undefined;
  }
}
