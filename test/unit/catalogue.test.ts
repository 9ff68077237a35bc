import { expect } from 'chai';
import { EVENT_METRICS, SESSION_DIMENSIONS, SESSION_METRICS } from '../../shared/catalogue.ts';

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

describe('the metric catalogue', () => {
  it('is the table of the contract', () => {
    const catalogued = [
      ...EVENT_METRICS.flatMap(({ metric, granularity, dimensions, sessionDimensions = [] }) =>
        [...dimensions, ...sessionDimensions].map((d) => [metric, granularity, 'event', d || '-']),
      ),
      ...SESSION_METRICS.flatMap(({ metric, granularity, bucket, dimensions }) =>
        dimensions.map((d) => [metric, granularity, bucket, d || '-']),
      ),
    ].map((cells) => cells.join(' '));
    const promised = CONTRACT.trim()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' '));

    expect(catalogued).to.have.members(promised);
  });

  it('calls every dimension of a session by its column', () => {
    expect(SESSION_DIMENSIONS).to.deep.equal({
      traffic_source: 'trafficSource',
      device_type: 'deviceType',
      country: 'country',
      browser: 'browser',
      os: 'os',
    });
  });
});
