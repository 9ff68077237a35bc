/** What a run of a session is shown as from its start on. */
import type { SearchAttributePair } from '@temporalio/common';
import type { Actor } from '../shared/actor.ts';
import { searchAttributesOf, summaryOf } from '../shared/search-attributes.ts';
import { figuresOf } from '../shared/session.ts';
import { searchAttributePairs } from '../workflows/search-attribute-pairs.ts';

/** The options of a start that lists and pages in the Temporal UI go by. */
export function shownAtStart({ project, sessionId, state }: Actor): {
  readonly staticSummary: string;
  readonly typedSearchAttributes: SearchAttributePair[];
} {
  const facts = figuresOf(state);
  return {
    staticSummary: summaryOf(project, sessionId, facts),
    typedSearchAttributes:
      facts === undefined ? [] : searchAttributePairs(searchAttributesOf(project, facts)),
  };
}
