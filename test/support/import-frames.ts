/** Events as they lie in a spill file. */
import { frameBytesMax, type TakenEvent, writeFrame } from '../../imports/frame.ts';

export function frameOf(taken: TakenEvent): Buffer {
  const json = JSON.stringify(taken.event);
  const buffer = Buffer.alloc(frameBytesMax(taken, json, taken.raw));
  return buffer.subarray(0, writeFrame(buffer, 0, taken, json));
}
