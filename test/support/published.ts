/** What comes of events that are published, by the naive reference: what the border makes of them first. */
import { attributionOf } from '../../shared/channels/attribution.ts';
import { type ReferenceEvent, referenceRows, type ReferenceRows } from './reference.ts';

/** The rows of CONTRACT section 3 for events as producers send them. */
export function publishedRows(events: readonly ReferenceEvent[]): ReferenceRows {
  return referenceRows(events.map(asTaken));
}

/** With the channel that follows from what is given: that rule has tables of its own to be checked with. */
export function asTaken(event: ReferenceEvent): ReferenceEvent {
  const { properties = {} } = event;
  const { trafficSource, medium, channel, campaign } = properties;
  const given = Object.entries({ trafficSource, medium, channel, campaign }).flatMap(
    ([name, value]) => (value === undefined || value === null ? [] : [[name, String(value)]]),
  );
  const derived = attributionOf(Object.fromEntries(given) as Record<string, string>);
  if (derived.channel === undefined) return event;
  return { ...event, properties: { ...properties, channel: derived.channel } };
}
