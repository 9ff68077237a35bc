import { expect } from 'chai';
import { CATALOGUE_VERSION, catalogueOf, SESSION_DIMENSIONS } from '../../shared/catalogue.ts';

/**
 * The table of CONTRACT section 3, copied out by hand: metric, granularity, bucket of, dimension
 * (`-` is none). What a line adds is checked in session.test.ts and by the reference.
 */
const CONTRACT = `
page_views           hour event        -
page_views           hour event        path
page_views           day  event        device_type
page_views           day  event        traffic_source
page_views           day  event        browser
page_views           day  event        os
page_views           day  event        country
sessions             hour firstEventAt -
sessions             day  firstEventAt traffic_source
sessions             day  firstEventAt device_type
sessions             day  firstEventAt country
new_users            day  firstEventAt -
returning_users      day  firstEventAt -
engaged_sessions     hour lastEventAt  -
engaged_sessions     day  lastEventAt  traffic_source
bounce_rate          hour lastEventAt  -
avg_session_duration hour lastEventAt  -
pages_per_session    hour lastEventAt  -
event_count          hour event        event_type
revenue              hour event        -
revenue              hour event        currency
conversion_rate      hour event        conversion_type
`;

/** What the contract names below the table; `*` is each dimension that a project has declared. */
const BESIDE = `
sessions             day  firstEventAt channel
sessions             day  firstEventAt campaign
sessions             day  firstEventAt entry_path
sessions             day  firstEventAt browser
sessions             day  firstEventAt os
sessions             day  firstEventAt *
engaged_sessions     day  lastEventAt  channel
engaged_sessions     day  lastEventAt  campaign
engaged_sessions     day  lastEventAt  entry_path
engaged_sessions     day  lastEventAt  browser
engaged_sessions     day  lastEventAt  os
engaged_sessions     day  lastEventAt  *
bounce_rate          day  lastEventAt  channel
bounce_rate          day  lastEventAt  campaign
bounce_rate          day  lastEventAt  entry_path
bounce_rate          day  lastEventAt  browser
bounce_rate          day  lastEventAt  os
bounce_rate          day  lastEventAt  *
revenue              day  event        channel
revenue              day  event        campaign
revenue              day  event        entry_path
revenue              day  event        browser
revenue              day  event        os
revenue              day  event        *
page_views           hour event        *
event_count          hour event        *
page_views_by_quarter quarter_hour event -
event_count_by_quarter quarter_hour event event_type
revenue_by_quarter quarter_hour event -
revenue_by_quarter quarter_hour event currency
page_views_by_quarter quarter_hour event path
page_views_by_quarter quarter_hour event *
event_count_by_quarter quarter_hour event *
conversion_rate_by_quarter quarter_hour event -
conversion_rate_by_quarter quarter_hour event conversion_type
`;

function linesOf(version: number): string[] {
  const { eventMetrics, sessionMetrics } = catalogueOf(version);
  return [
    ...eventMetrics.flatMap(({ metric, granularity, dimensions, sessionDimensions = [] }) =>
      [...dimensions, ...sessionDimensions].map((d) => [metric, granularity, 'event', d || '-']),
    ),
    ...sessionMetrics.flatMap(({ metric, granularity, bucket, dimensions }) =>
      dimensions.map((d) => [metric, granularity, bucket, d || '-']),
    ),
  ].map((cells) => cells.join(' '));
}

const inLines = (table: string) =>
  table
    .trim()
    .split('\n')
    .map((line) => line.replace(/ +/g, ' '));

describe('the metric catalogue', () => {
  it('is the table of the contract, and what it names beside', () => {
    expect(linesOf(CATALOGUE_VERSION)).to.have.members([...inLines(CONTRACT), ...inLines(BESIDE)]);
  });

  it('was the table alone in its first version, which sessions of then go on with', () => {
    expect(linesOf(1)).to.have.members(inLines(CONTRACT));
  });

  it('calls every dimension of a session by its column', () => {
    expect(SESSION_DIMENSIONS).to.deep.equal({
      traffic_source: 'trafficSource',
      device_type: 'deviceType',
      country: 'country',
      browser: 'browser',
      os: 'os',
      channel: 'channel',
      campaign: 'campaign',
    });
  });
});
