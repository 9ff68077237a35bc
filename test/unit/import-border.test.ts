/** One page view, as each tool keeps it, is the same to the border as our own event of it. */
import { expect } from 'chai';
import { FORMATS } from '../../imports/formats/index.ts';
import { isFault } from '../../trackers/event.ts';
import { parseMessage } from '../../workers/ingest/parse-event.ts';

const AT = Date.UTC(2026, 2, 1, 10);
const ISO = '2026-03-01T10:00:00Z';
const URL = 'https://shop.example/shoes?utm_source=fb&utm_campaign=may';
const TARGET = '/shoes?utm_source=fb&utm_campaign=may';
const FROM = 'https://www.facebook.com/';
const AGENT =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15';

const enriched = Array.from({ length: 131 }, () => '');
enriched[5] = 'page_view';
enriched[15] = 'd';
enriched[29] = 'https://shop.example/shoes';
enriched[31] = FROM;
enriched[48] = 'fb';
enriched[51] = 'may';
enriched[77] = AGENT;
enriched[123] = 's';
enriched[124] = '2026-03-01 10:00:00.000';

const call = {
  type: 'page',
  anonymousId: 'a',
  timestamp: ISO,
  context: { userAgent: AGENT, page: { url: URL, referrer: FROM } },
};

const SAME: Readonly<Record<string, readonly (string | object)[]>> = {
  sojourn: [
    {
      eventType: 'pageview',
      sessionId: 's',
      timestamp: AT,
      properties: { url: URL, referrer: FROM, userAgent: AGENT },
    },
  ],
  combined: [
    `shop.example 198.51.100.7 - - [01/Mar/2026:10:00:00 +0000] "GET ${TARGET} HTTP/2.0" 200 1 "${FROM}" "${AGENT}"`,
  ],
  w3c: [
    '#Fields: date time cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) cs(Referer) sc-status cs-host',
    `2026-03-01 10:00:00 GET ${TARGET.replace('?', ' ')} 198.51.100.7 ${AGENT.replaceAll(' ', '+')} ${FROM} 200 shop.example`,
  ],
  snowplow: [enriched.join('\t')],
  segment: [call],
  rudderstack: [{ ...call, context: { ...call.context, sessionId: 1772359200000 } }],
  posthog: [
    {
      event: '$pageview',
      distinct_id: 'd',
      timestamp: ISO,
      properties: {
        $session_id: 's',
        $device_id: 'd',
        $current_url: URL,
        $referrer: FROM,
        $raw_user_agent: AGENT,
      },
    },
  ],
  ga4: [
    {
      event_name: 'page_view',
      event_timestamp: String(AT * 1_000),
      user_pseudo_id: 'd',
      event_params: [
        { key: 'ga_session_id', value: { int_value: '1' } },
        { key: 'page_location', value: { string_value: 'https://shop.example/shoes' } },
        { key: 'page_referrer', value: { string_value: FROM } },
      ],
      collected_traffic_source: { manual_source: 'fb', manual_campaign_name: 'may' },
      device: {
        category: 'desktop',
        operating_system: 'Macintosh',
        web_info: { browser: 'Safari' },
      },
    },
  ],
  umami: [
    {
      session_id: 'd',
      visit_id: 's',
      created_at: '2026-03-01 10:00:00+00',
      event_type: 1,
      url_path: '/shoes',
      url_query: 'utm_source=fb&utm_campaign=may',
      hostname: 'shop.example',
      referrer_domain: 'www.facebook.com',
      browser: 'safari',
      os: 'Mac OS',
      device: 'laptop',
    },
  ],
};

describe('a page view that is imported', () => {
  for (const [name, records] of Object.entries(SAME)) {
    it(`from ${name} is to the border what our own event is`, () => {
      const reader = FORMATS.find((format) => format.name === name)?.open({ file: '', salt: 's' });
      const tracked = records.flatMap((record, index) => {
        const text = typeof record === 'string' ? record : JSON.stringify(record);
        return reader?.read({ line: index + 1, data: Buffer.from(text) }) ?? [];
      });
      const events = tracked.map((one) =>
        isFault(one) ? one : { sessionId: one.visitor, ...one.event },
      );
      const { events: taken, deadLetters } = parseMessage({
        subject: 'events.shop.pageview',
        data: Buffer.from(JSON.stringify(events)),
        seq: 1,
        receivedAt: AT,
      });

      expect(deadLetters.map(({ reason }) => reason)).to.deep.equal([]);
      expect(taken).to.have.lengthOf(1);
      const { id: _, seq: _s, visitorId: _v, userId: _u, ...facts } = taken[0]?.event ?? {};
      expect(facts).to.deep.equal({
        type: 'pageview',
        at: AT,
        path: '/shoes',
        trafficSource: 'Facebook',
        channel: 'Organic Social',
        campaign: 'may',
        referrerHost: 'www.facebook.com',
        browser: 'Safari',
        os: 'macOS',
        deviceType: 'desktop',
      });
    });
  }
});
