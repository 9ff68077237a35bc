/**
 * Who is forgotten, for a process that runs: the bucket FORGOTTEN, followed. What was known once stays known until the
 * process ends, whatever becomes of the bucket: nobody comes back because a server was away.
 */
import { createForgotten, type Forgotten } from '../shared/forgotten.ts';
import { FORGOTTEN_BUCKET } from '../shared/ids.ts';
import { type FollowedBucket, followServerBucket } from './follow-bucket.ts';
import { hashOf, listIn, personOf } from './forgotten-bucket.ts';
import type { Logger } from './log.ts';
import type { Nats } from './nats.ts';

export interface FollowedForgotten
  extends Pick<Forgotten, 'isForgotten'>, Pick<FollowedBucket, 'stop'> {}

/** Returns once all of the list is there. @throws as `followSource` does */
export async function followForgotten(nats: Nats, log: Logger): Promise<FollowedForgotten> {
  /** One list a secret: a bucket that was made anew has another. */
  const lists = new Map<string, Forgotten>();
  let current: Forgotten | undefined;
  const followed = await followServerBucket(
    nats,
    FORGOTTEN_BUCKET,
    {
      what: 'list of the forgotten',
      sentenceFor: () => 'list of the forgotten cannot be read, what is known counts',
      onAll({ first }) {
        const { key, people } = listIn(first);
        current = lists.get(key) ?? createForgotten([], hashOf(key));
        for (const person of people) current.add(person);
        lists.set(key, current);
      },
      onEntry(entry) {
        const person = personOf(entry);
        if (person !== undefined) current?.add(person);
      },
    },
    { log },
  );
  return {
    stop: () => followed.stop(),
    isForgotten(project, event) {
      for (const known of lists.values()) if (known.isForgotten(project, event)) return true;
      return false;
    },
  };
}
