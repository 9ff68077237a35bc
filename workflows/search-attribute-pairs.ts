/** Search attributes in the form the Temporal libraries take, for workflows and clients alike. */
import {
  defineSearchAttributeKey,
  type SearchAttributePair,
  SearchAttributeType,
} from '@temporalio/common';
import { SEARCH_ATTRIBUTES, type SessionSearchAttributes } from '../shared/search-attributes.ts';

const NAMES = Object.keys(SEARCH_ATTRIBUTES) as (keyof typeof SEARCH_ATTRIBUTES)[];

export function searchAttributePairs(
  attributes: Partial<SessionSearchAttributes>,
): SearchAttributePair[] {
  return NAMES.flatMap((name): SearchAttributePair[] => {
    const value = attributes[name];
    if (value === undefined) return [];
    return typeof value === 'boolean'
      ? [{ key: defineSearchAttributeKey(name, SearchAttributeType.BOOL), value }]
      : [{ key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD), value }];
  });
}
