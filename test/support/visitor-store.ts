/** The visitor store, as Redis keeps it, in memory. */
import type { VisitorStore } from '../../activities/recognize-visitor.ts';

/** @param keys whose each key is */
export function visitorStoreOn(keys: Map<string, string>): VisitorStore {
  return {
    claim(key, owner) {
      const standing = keys.get(key) ?? owner;
      keys.set(key, standing);
      return Promise.resolve(standing);
    },
    ownerOf: (key) => Promise.resolve(keys.get(key)),
    replace(key, owner, by) {
      if (keys.get(key) !== owner) return Promise.resolve(false);
      if (by === undefined) keys.delete(key);
      else keys.set(key, by);
      return Promise.resolve(true);
    },
  };
}
