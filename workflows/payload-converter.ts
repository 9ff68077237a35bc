/**
 * What workflows are given and give back, as JSON. The payloads are those of the SDK's default converter;
 * only UTF-8 is left to the engine, where the SDK (1.24) writes and reads a byte at a time.
 */
import {
  BinaryPayloadConverter,
  CompositePayloadConverter,
  JsonPayloadConverter,
  METADATA_ENCODING_KEY,
  type Payload,
  UndefinedPayloadConverter,
} from '@temporalio/common';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ENCODING = encoder.encode('json/plain');

class NativeJsonPayloadConverter extends JsonPayloadConverter {
  override toPayload(value: unknown): Payload | undefined {
    // Nothing for what JSON cannot say, such as a function.
    const json = JSON.stringify(value) as string | undefined;
    if (json === undefined) return undefined;
    return { metadata: { [METADATA_ENCODING_KEY]: ENCODING }, data: encoder.encode(json) };
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the SDK's signature
  override fromPayload<T>(payload: Payload): T {
    return JSON.parse(decoder.decode(payload.data ?? undefined)) as T;
  }
}

export const payloadConverter = new CompositePayloadConverter(
  new UndefinedPayloadConverter(),
  new BinaryPayloadConverter(),
  new NativeJsonPayloadConverter(),
);
