/** Lines and rows of other tools, as events. */
import { expect } from 'chai';
import { type FormatOptions, FORMATS } from '../../imports/formats/index.ts';
import { isFault, type RawEvent, type Tracked, type TrackedEvent } from '../../trackers/event.ts';

const OPTIONS: FormatOptions = { file: 'f', salt: 'salt' };

function read(
  name: string,
  records: readonly (string | object)[],
  options: FormatOptions = OPTIONS,
): Tracked {
  const format = FORMATS.find((one) => one.name === name);
  if (format === undefined) throw new Error(`no format ${name}`);
  const reader = format.open(options);
  const tracked = records.flatMap((record, index) =>
    reader.read({
      line: index + 1,
      data: typeof record === 'string' ? Buffer.from(record) : (record as Record<string, unknown>),
    }),
  );
  return [...tracked, ...(reader.end?.() ?? [])];
}

function eventsOf(tracked: Tracked): TrackedEvent[] {
  return tracked.map((one) => {
    if (isFault(one)) throw new Error(one.fault);
    return one;
  });
}

function first(tracked: Tracked): TrackedEvent {
  const [one] = eventsOf(tracked);
  if (one === undefined) throw new Error('no event');
  return one;
}

const properties = (event: RawEvent) => event['properties'] as Record<string, unknown>;
const faults = (tracked: Tracked) => tracked.flatMap((one) => (isFault(one) ? one.fault : []));

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';
const line = (request: string, status = 200, more = `"https://news.example/" "${CHROME}"`) =>
  `198.51.100.7 - - [01/Mar/2026:11:00:00 +0100] "${request}" ${status} 5120 ${more}`.trimEnd();
const AT = Date.UTC(2026, 2, 1, 10);

describe('an access log', () => {
  const page = line('GET /shoes?utm_source=fb HTTP/1.1');

  it('has page views of visitors that are told by a hash of address and agent', () => {
    const { event, visitor } = first(read('combined', [page]));

    expect(visitor).to.match(/^[\w-]{22}$/);
    expect(event).to.deep.equal({
      eventType: 'pageview',
      timestamp: AT,
      visitorId: visitor,
      properties: {
        url: '/shoes?utm_source=fb',
        referrer: 'https://news.example/',
        userAgent: CHROME,
      },
    });
    expect(JSON.stringify(event)).not.to.contain('198.51.100.7');
  });

  it('tells visitors apart by address, agent, host and salt', () => {
    const visitors = [
      ...[page, page.replace('.7 ', '.8 '), page.replace('126.0', '127.0')].map((text) =>
        read('combined', [text]),
      ),
      read('combined', [page], { ...OPTIONS, salt: 'other' }),
      read('combined', [page], { ...OPTIONS, host: 'shop.example' }),
    ].map((tracked) => first(tracked).visitor);

    expect(new Set(visitors)).to.have.lengthOf(5);
    expect(first(read('combined', [page])).visitor).to.equal(visitors[0]);
  });

  it('may lack referrer and agent, name its host first, and say more behind', () => {
    const common = first(read('combined', [line('GET / HTTP/1.0', 200, '')])).event;
    const vhost = first(
      read('combined', [`www.shop.example:443 ${page} 0.012 "203.0.113.9"`]),
    ).event;
    const v6 = first(read('combined', [page.replace('198.51.100.7', '2001:db8::7')])).event;

    expect(properties(common)).to.deep.equal({ url: '/' });
    expect(properties(vhost)).to.include({ url: 'https://www.shop.example/shoes?utm_source=fb' });
    expect(properties(v6)).to.include({ url: '/shoes?utm_source=fb' });
  });

  it('has users where the server knows them, with spaces in their names', () => {
    const { event } = first(read('combined', [page.replace('- -', '- jane doe')]));

    expect(event).to.include({ userId: 'jane doe' });
    expect(properties(event)).to.include({ url: '/shoes?utm_source=fb' });
  });

  it('has what is escaped in quotes', () => {
    const { event } = first(
      read('combined', [line('GET /a HTTP/1.1', 200, '"-" "M\\"x\\" \\xc3\\xa4 \\\\"')]),
    );

    expect(properties(event)).to.deep.equal({ url: '/a', userAgent: 'M"x" ä \\' });
  });

  for (const [what, request, status] of [
    ['what pages are made of', 'GET /app.css?v=3 HTTP/1.1', 200],
    ['pictures', 'GET /img/a.JPEG HTTP/2.0', 200],
    ['forms that are sent', 'POST /order HTTP/1.1', 200],
    ['heads', 'HEAD / HTTP/1.1', 200],
    ['redirects', 'GET /old HTTP/1.1', 301],
    ['what is not there', 'GET /wp-login.php HTTP/1.1', 404],
    ['failures', 'GET / HTTP/1.1', 503],
    ['what programs ask for', 'GET /wp-json/wp/v2/posts HTTP/1.1', 200],
    ['bytes that are no request', '\\x16\\x03\\x01', 400],
    ['nothing', '-', 408],
  ] as const) {
    it(`has no page view of ${what}`, () => {
      expect(read('combined', [line(request, status)])).to.deep.equal([]);
    });
  }

  it('has page views of pages with a point in their name, and of what did not change', () => {
    expect(
      read('combined', [line('GET /blog/v1.2 HTTP/1.1'), line('GET /a.html HTTP/1.1', 304)]),
    ).to.have.lengthOf(2);
  });

  it('marks as a bot who sends no agent, and leaves agents to the border', () => {
    const silent = first(read('combined', [line('GET / HTTP/1.1', 200, '"-" "-"')])).event;
    const crawler = first(read('combined', [line('GET / HTTP/1.1', 200, '"-" "Bot/1.0"')])).event;

    expect(properties(silent)).to.deep.equal({ url: '/', bot: true });
    expect(properties(crawler)).to.deep.equal({ url: '/', userAgent: 'Bot/1.0' });
  });

  it('has faults for lines that cannot be read', () => {
    expect(
      faults(read('combined', ['hello', '1.2.3.4 - - [x] "GET / HTTP/1.1" 200 1'])),
    ).to.deep.equal(['the line has no time in brackets', 'the time of the request cannot be read']);
  });
});

describe('a W3C extended log', () => {
  const iis = [
    '#Software: Microsoft Internet Information Services 10.0',
    '#Date: 2026-03-01 10:00:00',
    '#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken',
    '2026-03-01 10:00:00 10.0.0.1 GET /shoes utm_source=fb 443 - 198.51.100.7 Mozilla/5.0+(Windows+NT+10.0) https://news.example/ 200 0 0 15',
  ];

  it('of IIS has page views', () => {
    expect(properties(first(read('w3c', iis)).event)).to.deep.equal({
      url: '/shoes?utm_source=fb',
      referrer: 'https://news.example/',
      userAgent: 'Mozilla/5.0+(Windows+NT+10.0)',
    });
    expect(first(read('w3c', iis)).event).to.include({ timestamp: AT });
  });

  it('of CloudFront has tabs, and addresses for texts', () => {
    const { event } = first(
      read('w3c', [
        '#Version: 1.0',
        '#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query x-host-header',
        [
          ...[
            '2026-03-01',
            '10:00:00',
            'FRA2',
            '120',
            '198.51.100.7',
            'GET',
            'd1.cloudfront.example',
          ],
          ...['/shoes', '200', '-', 'Mozilla/5.0%20(X11)', '-', 'shop.example'],
        ].join('\t'),
      ]),
    );

    expect(properties(event)).to.deep.equal({
      url: 'https://shop.example/shoes',
      userAgent: 'Mozilla/5.0 (X11)',
    });
  });

  it('may say the day once, quote its values, and change its fields in the middle', () => {
    const tracked = read('w3c', [
      '#Date: 01-Mar-2026',
      '#Date: 2026-03-01 00:00:00',
      '#Fields: time c-ip cs-method cs-uri sc-status cs(User-Agent)',
      '10:00:00 198.51.100.7 GET /a 200 "M 5.0 ""x"""',
      '#Fields: time cs-uri cs-method sc-status c-ip',
      '10:00:01 /b GET 200 198.51.100.7',
    ]);

    expect(
      eventsOf(tracked).map(({ event }) => [event['timestamp'], properties(event)]),
    ).to.deep.equal([
      [AT, { url: '/a', userAgent: 'M 5.0 "x"' }],
      [AT + 1_000, { url: '/b' }],
    ]);
  });

  it('is a fault without names of fields, or with too few values', () => {
    expect(faults(read('w3c', ['2026-03-01 10:00:00 GET']))).to.have.lengthOf(1);
    expect(faults(read('w3c', [...iis.slice(0, 3), 'a b']))).to.have.lengthOf(1);
  });
});

describe('an enriched event of Snowplow', () => {
  const columns = (values: Readonly<Record<number, string>>) =>
    Array.from({ length: 131 }, (_, place) => values[place] ?? '').join('\t');
  const view = {
    3: '2026-03-01 10:00:02.000',
    4: '2026-03-01 11:30:00.000',
    5: 'page_view',
    6: 'c6ef3124-b53a-4b13-a233-0088f79dcbcb',
    15: 'bc2e92ec6c204a14',
    18: 'DE',
    29: 'https://shop.example/shoes',
    48: 'fb',
    77: CHROME,
    103: '1920',
    104: '1080',
    123: '1f6d6d3e',
    124: '2026-03-01 10:00:00.000',
  };

  it('has its session, its device and the derived time', () => {
    expect(first(read('snowplow', [columns(view)])).event).to.deep.equal({
      eventType: 'pageview',
      sessionId: '1f6d6d3e',
      timestamp: AT,
      eventId: 'c6ef3124-b53a-4b13-a233-0088f79dcbcb',
      visitorId: 'bc2e92ec6c204a14',
      properties: {
        url: 'https://shop.example/shoes?utm_source=fb',
        userAgent: CHROME,
        country: 'DE',
        screen: '1920x1080',
      },
    });
  });

  it('describes itself, and has contexts in two columns', () => {
    const data = (name: string, content: object) => ({
      schema: `iglu:com.example/${name}/jsonschema/1-0-0`,
      data: content,
    });
    const { event } = first(
      read('snowplow', [
        columns({
          ...view,
          5: 'unstruct',
          52: JSON.stringify({ data: [data('transaction', { revenue: 12, currency: 'EUR' })] }),
          58: JSON.stringify({ data: data('snowplow_ecommerce_action', { type: 'transaction' }) }),
          122: JSON.stringify({ data: [data('spiders_and_robots', { spiderOrRobot: true })] }),
        }),
      ]),
    );

    expect(event['eventType']).to.equal('purchase');
    expect(properties(event)).to.include({ revenue: 12, currency: 'EUR', bot: true });
  });

  it('has 131 columns, or is a fault', () => {
    expect(
      faults(read('snowplow', ['a\tb', `${columns(view)}\t`, columns({ 5: 'page_view' })])),
    ).to.deep.equal([
      'an enriched event has 131 columns, but this line has 2',
      'an enriched event has 131 columns, but this line has more',
      'the time (dtm, derived_tstamp) cannot be read',
    ]);
  });
});

describe('a row of GA4', () => {
  const param = (key: string, value: object) => ({ key, value });
  const json = {
    event_date: '20260301',
    event_timestamp: '1772359200123456',
    event_name: 'purchase',
    event_params: [
      param('ga_session_id', { int_value: '1772359100' }),
      param('page_location', { string_value: 'https://shop.example/thanks' }),
      param('currency', { string_value: 'EUR' }),
    ],
    user_pseudo_id: '1234.5678',
    batch_event_index: '2',
    batch_page_id: '77',
    device: {
      category: 'mobile',
      operating_system: 'Macintosh',
      language: 'de-de',
      web_info: { browser: 'Safari' },
    },
    geo: { country: 'Germany' },
    ecommerce: { purchase_revenue: 59.9 },
    collected_traffic_source: { manual_source: 'fb', manual_medium: '(not set)' },
    traffic_source: { source: 'google' },
  };

  it('has a session that is numbered per client, and what was collected with it', () => {
    const { event } = first(read('ga4', [JSON.stringify(json)]));
    const { eventId, ...rest } = event;

    expect(eventId).to.match(/^[\w-]{32}$/);
    expect(rest).to.deep.equal({
      eventType: 'purchase',
      sessionId: '1234.5678.1772359100',
      timestamp: 1772359200123,
      visitorId: '1234.5678',
      properties: {
        url: 'https://shop.example/thanks?utm_source=fb',
        browser: 'Safari',
        os: 'macOS',
        deviceType: 'mobile',
        country: 'DE',
        language: 'de-de',
        revenue: 59.9,
        currency: 'EUR',
      },
    });
  });

  it('is the same event out of Parquet', () => {
    const row = {
      ...json,
      event_timestamp: 1772359200123456n,
      batch_event_index: 2n,
      batch_page_id: 77n,
      event_params: json.event_params.map(({ key, value }) => ({
        key,
        value: {
          string_value: null,
          int_value: 'int_value' in value ? BigInt(String(value.int_value)) : null,
          ...('string_value' in value && value),
        },
      })),
    };

    expect(read('ga4', [row])).to.deep.equal(read('ga4', [JSON.stringify(json)]));
  });

  it('is nothing where GA4 counts users, and a sign of life where it counts time', () => {
    const named = (event_name: string) => JSON.stringify({ ...json, event_name });

    expect(read('ga4', [named('first_visit')])).to.deep.equal([]);
    expect(first(read('ga4', [named('user_engagement')])).event['eventType']).to.equal('heartbeat');
  });

  it('without consent is a fault, since nobody knows whose it is', () => {
    expect(faults(read('ga4', [JSON.stringify({ ...json, user_pseudo_id: null })]))[0]).to.contain(
      'consent',
    );
  });
});

describe('a visit of Matomo', () => {
  const visit = {
    idVisit: '310',
    visitorId: '2f1a6c8d90ab12cd',
    userId: null,
    referrerType: 'campaign',
    referrerName: 'spring',
    referrerUrl: 'https://news.example/a',
    countryCode: 'de',
    browserName: 'Chrome',
    operatingSystemName: 'Mac',
    deviceType: 'Smartphone',
    languageCode: 'de-de',
    resolution: '390x844',
    siteCurrency: 'EUR',
    actionDetails: [
      { type: 'action', url: 'https://shop.example/', pageId: '9', timestamp: 1772359200 },
      {
        type: 'event',
        eventAction: 'Play',
        url: 'https://shop.example/',
        pageId: '10',
        timestamp: 1772359230,
      },
      { type: 'ecommerceAbandonedCart', revenue: 10, timestamp: 1772359240 },
      { type: 'ecommerceOrder', orderId: 'o-1', revenue: 59.9, timestamp: 1772359260 },
      { type: 'goal', goalId: 2, goalName: 'Newsletter', revenue: 0, timestamp: 1772359270 },
    ],
  };

  it('is a session with its actions', () => {
    const tracked = eventsOf(read('matomo', [JSON.stringify(visit)]));

    expect(tracked.map(({ event }) => [event['eventType'], event['eventId']])).to.deep.equal([
      ['pageview', 'action-9-1772359200000'],
      ['Play', 'event-10-1772359230000'],
      ['purchase', 'ecommerceOrder-o-1-1772359260000'],
      ['conversion', 'goal-2-1772359270000'],
    ]);
    expect(tracked[0]?.event).to.deep.include({ sessionId: 'matomo-310', timestamp: AT });
    expect(properties(tracked[0]?.event ?? {})).to.deep.equal({
      campaign: 'spring',
      referrer: 'https://news.example/a',
      browser: 'Chrome',
      os: 'macOS',
      deviceType: 'mobile',
      country: 'DE',
      language: 'de-de',
      screen: '390x844',
      url: 'https://shop.example/',
    });
    expect(properties(tracked[2]?.event ?? {})).to.include({ revenue: 59.9, currency: 'EUR' });
    expect(properties(tracked[3]?.event ?? {})).to.include({ conversionType: 'Newsletter' });
  });

  it('has the name of who sent it, where their address was not kept', () => {
    const searched = { ...visit, referrerType: 'search', referrerName: 'Google', referrerUrl: '' };

    expect(properties(first(read('matomo', [JSON.stringify(searched)])).event)).to.include({
      trafficSource: 'Google',
    });
  });

  it('comes out of a query over the tables too', () => {
    const tracked = eventsOf(
      read('matomo', [
        'idvisit\tidvisitor\tserver_time\tidlink_va\tkind\turl\tcountry\tdevice_type\trevenue\tcurrency\tidorder',
        '310\t2f1a6c8d90ab12cd\t2026-03-01 10:00:00\t9\taction\tshop.example/\tde\t1\t\\N\t\\N\t\\N',
        '310\t2f1a6c8d90ab12cd\t2026-03-01 10:01:00\t\\N\torder\t\\N\tde\t1\t59.9\tEUR\to-1',
      ]),
    );

    expect(tracked.map(({ event }) => event['eventId'])).to.deep.equal(['action-9', 'order-o-1']);
    expect(properties(tracked[0]?.event ?? {})).to.deep.equal({
      deviceType: 'mobile',
      country: 'DE',
      url: 'https://shop.example/',
    });
  });

  it('has the addresses of pages as browsers write them', () => {
    const action = { ...visit.actionDetails[0], url: 'https://shop.example/süß?a=b' };
    const read1 = read('matomo', [JSON.stringify({ ...visit, actionDetails: [action] })]);

    expect(properties(first(read1).event)['url']).to.equal(
      'https://shop.example/s%C3%BC%C3%9F?a=b',
    );
  });

  it('does not come out of the table of actions alone', () => {
    expect(
      faults(
        read('matomo', [
          'idlink_va,idvisit,idaction_url,server_time',
          '9,310,4,2026-03-01 10:00:00',
        ]),
      )[0],
    ).to.contain('by number');
  });
});

describe('a row of Umami', () => {
  const head = [
    ...[
      'event_id',
      'website_id',
      'session_id',
      'created_at',
      'url_path',
      'url_query',
      'referrer_path',
    ],
    ...[
      'referrer_domain',
      'page_title',
      'event_type',
      'event_name',
      'visit_id',
      'hostname',
      'browser',
    ],
    ...['os', 'device', 'country', 'utm_source'],
  ].join(',');
  const row =
    'e-1,w,v-1,2026-03-01 10:00:00.12+00,/shoes,a=1,/x,news.example,"Shoes, and\nmore ""new""",1,,s-1,shop.example,chrome,Mac OS,laptop,DE,fb';

  it('has a visit for a session, and a session for a visitor', () => {
    expect(eventsOf(read('umami', [head, ...row.split('\n')]))).to.deep.equal([
      {
        event: {
          eventType: 'pageview',
          sessionId: 's-1',
          timestamp: AT + 120,
          eventId: 'e-1',
          visitorId: 'v-1',
          properties: {
            url: 'https://shop.example/shoes?a=1&utm_source=fb',
            referrer: 'https://news.example/x',
            browser: 'Chrome',
            os: 'macOS',
            deviceType: 'desktop',
            country: 'DE',
          },
        },
      },
    ]);
  });

  it('has the address as browsers write it', () => {
    const page = row.replace('/shoes,', '/süße 100%,');

    expect(properties(first(read('umami', [head, ...page.split('\n')])).event)['url']).to.equal(
      'https://shop.example/s%C3%BC%C3%9Fe%20100%25?a=1&utm_source=fb',
    );
  });

  it('reads the same from NDJSON, also with names as programs write them', () => {
    const names = head
      .split(',')
      .map((name) => name.replace(/_(.)/g, (_, c: string) => c.toUpperCase()));
    const values = row.replace(/".*"/s, 'T').split(',');
    const json = Object.fromEntries(names.map((name, index) => [name, values[index]]));

    expect(read('umami', [JSON.stringify(json)])).to.deep.equal(
      read('umami', [head, ...row.split('\n')]),
    );
  });

  it('is a fault where it is a sum, has no end, or too few values', () => {
    expect(faults(read('umami', ['x,y', '/shoes,12']))[0]).to.contain('website_event');
    expect(faults(read('umami', ['session_id,created_at', '"a']))[0]).to.contain('without an end');
    expect(faults(read('umami', ['session_id,created_at', 'a']))[0]).to.contain('1 values');
  });
});

describe('calls and events one a line', () => {
  const call = { type: 'page', anonymousId: 'a', timestamp: '2026-03-01T10:00:00Z' };

  it('are of Segment, RudderStack and PostHog', () => {
    expect(first(read('segment', [JSON.stringify(call)])).visitor).to.equal('anonymous:a');
    expect(
      first(read('rudderstack', [JSON.stringify({ ...call, context: { sessionId: 7 } })])).event,
    ).to.include({ sessionId: 'a.7' });
    expect(
      first(
        read('posthog', [
          { event: '$pageview', distinct_id: 'd', timestamp: new Date(AT), properties: '{}' },
        ]),
      ).event,
    ).to.include({ timestamp: AT });
  });

  it('may begin with a byte order mark and end with a carriage return', () => {
    expect(read('segment', [`\ufeff${JSON.stringify(call)}\r`])).to.have.lengthOf(1);
  });

  it('are faults where they are no JSON objects', () => {
    expect(faults(read('segment', ['{', '[1]', '7']))).to.have.lengthOf(3);
  });
});

describe('the registry', () => {
  it('names what it refuses, and why', () => {
    const refused = FORMATS.filter((format) => format.refused !== undefined);

    expect(refused.map(({ name }) => name)).to.deep.equal(['plausible']);
    expect(faults(read('plausible', ['date,visitors']))[0]).to.contain('sums');
  });

  it('has a name and a line for help for each', () => {
    expect(new Set(FORMATS.map(({ name }) => name)).size).to.equal(FORMATS.length);
    for (const { about } of FORMATS) expect(about).to.match(/^.{20,110}$/);
  });
});
