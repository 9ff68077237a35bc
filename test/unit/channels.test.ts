/** Where a visit came from: the rule of docs/channels.md, and how far it agrees with others. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import fc from 'fast-check';
import { ASSISTANTS } from '../../shared/channels/assistants.ts';
import {
  attributionOf,
  type AttributedEvent,
  type AttributionProject,
  channelName,
  CHANNELS,
} from '../../shared/channels/attribution.ts';
import { CLICK_IDS, META_SOURCES } from '../../shared/channels/click-ids.ts';
import { findWord, KNOWN_SOURCES } from '../../shared/channels/known-sources.ts';
import { EMAIL, OTHER, PUSH, SMS } from '../../shared/channels/mail.ts';
import { PAYMENT_HOSTS, SIGN_IN_HOSTS } from '../../shared/channels/not-referrers.ts';
import { PAID_SOURCES } from '../../shared/channels/paid-sources.ts';
import { SEARCH } from '../../shared/channels/search.ts';
import { SHOPPING } from '../../shared/channels/shopping.ts';
import {
  SOCIAL,
  SOCIAL_HOSTS,
  SOCIAL_HOSTS_AND_WORDS,
  SOCIAL_WORDS,
} from '../../shared/channels/social.ts';
import { VIDEO } from '../../shared/channels/video.ts';

const SITE = 'https://www.shop.example';

/** A visit by what follows `?` in its URL, and by its referrer. */
const visit = (query: string, referrer?: string, project?: AttributionProject) =>
  attributionOf(
    { url: `${SITE}/${query && `?${query}`}`, ...(referrer !== undefined && { referrer }) },
    project,
  );
const channelOf = (query: string, referrer?: string, project?: AttributionProject) =>
  channelName(visit(query, referrer, project).channel);

describe('attribution', () => {
  describe('of what the producer gives', () => {
    it('lets each given value win by itself', () => {
      const event: AttributedEvent = {
        url: `${SITE}/?utm_source=fb&utm_medium=paid&utm_campaign=may&utm_term=a&utm_content=b`,
        medium: 'Story',
        term: 'given',
      };

      expect(attributionOf(event)).to.deep.equal({
        path: '/',
        trafficSource: 'Facebook',
        medium: 'Story',
        channel: 'Organic Social',
        campaign: 'may',
        term: 'given',
        content: 'b',
      });
      expect(attributionOf({ ...event, channel: 'TV', path: '/p' })).to.include({
        channel: 'TV',
        path: '/p',
      });
    });

    it('keeps a given source as it is written, and derives the channel from it', () => {
      expect(attributionOf({ trafficSource: 'google' })).to.deep.equal({
        trafficSource: 'google',
        channel: 'Organic Search',
      });
      expect(attributionOf({ trafficSource: 'Acme', medium: 'CPC' }).channel).to.equal(
        'Paid Other',
      );
    });

    it('takes a given "direct" for no channel, whatever the referrer', () => {
      const event = { trafficSource: 'direct', referrer: 'https://www.google.com/' };

      expect(attributionOf(event)).to.deep.equal({
        trafficSource: 'direct',
        referrerHost: 'www.google.com',
      });
    });

    it('takes an empty text as not given', () => {
      const event = { url: '', referrer: '', trafficSource: '', medium: '', channel: '', path: '' };

      expect(attributionOf(event)).to.deep.equal({});
    });
  });

  describe('of a URL', () => {
    it('reads its path, and no more than that', () => {
      const paths = [
        ['https://shop.example', '/'],
        ['https://shop.example?a=1', '/'],
        ['https://user:word@shop.example:8080/a/b%20c?x=/y#/z', '/a/b%20c'],
        ['//shop.example/a', '/a'],
        ['/a/b?c', '/a/b'],
        ['app://screen/home', '/home'],
        ['about:blank', undefined],
        ['shop', undefined],
      ] as const;

      expect(paths.map(([url]) => [url, attributionOf({ url }).path])).to.deep.equal(paths);
    });

    it('reads tags of the query only, by exact names, the first of repeated ones', () => {
      expect(attributionOf({ url: `${SITE}/#utm_source=news&gclid=a` })).to.deep.equal({
        path: '/',
      });
      expect(visit('UTM_SOURCE=news&ref=hn&source=hn').trafficSource).to.equal(undefined);
      expect(visit('utm_source=bing&utm_source=fb').trafficSource).to.equal('Bing');
      expect(visit('utm%5Fsource=bing').trafficSource).to.equal('Bing');
      expect(visit('a=1&amp;utm_source=bing').trafficSource).to.equal(undefined);
    });

    it('trims values, and decodes what can be decoded', () => {
      const tags =
        'utm_source=+a%20b+&utm_campaign=50%25+%E2%82%AC&utm_term=100%&utm_content=%zz%C3%28';

      expect(visit(tags)).to.include({
        trafficSource: 'a b',
        campaign: '50% €',
        term: '100%',
        content: '%zz%C3(',
      });
    });

    it('takes what tools write for nothing as not given, so that it hides no referrer', () => {
      for (const nothing of [
        '',
        '%20',
        'null',
        'NULL',
        '(not+set)',
        '(none)',
        '(direct)',
        'direct',
      ]) {
        const found = visit(`utm_source=${nothing}&gclid=`, 'https://duckduckgo.com/');

        expect([nothing, found.trafficSource, found.channel]).to.deep.equal([
          nothing,
          'DuckDuckGo',
          'Organic Search',
        ]);
      }
      expect(visit('utm_medium=(not+set)&utm_campaign=null')).to.deep.equal({ path: '/' });
    });
  });

  describe('of a source', () => {
    it('takes the tag, else the owner of a click id, else the referrer', () => {
      const referrer = 'https://www.bing.com/';

      expect(visit('utm_source=acme&gclid=1', referrer).trafficSource).to.equal('acme');
      expect(visit('gclid=1', referrer).trafficSource).to.equal('Google');
      expect(visit('utm_medium=cpc&utm_campaign=a', referrer).trafficSource).to.equal('Bing');
      expect(visit('utm_campaign=a')).to.deep.equal({ path: '/', campaign: 'a' });
    });

    it('calls a source the same, however it is tagged', () => {
      const tags = [
        'fb',
        'Facebook',
        'facebook.com',
        'm.facebook.com',
        'facebook_ads',
        'Facebook+Ads',
      ];
      const names = tags.map((tag) => visit(`utm_source=${tag}`).trafficSource);

      expect(new Set(names)).to.deep.equal(new Set(['Facebook']));
      expect(visit('utm_source=Acme').trafficSource).to.equal('Acme');
    });

    it('tells Instagram from Facebook, though both mark their links as Meta does', () => {
      expect(visit('fbclid=1').trafficSource).to.equal('Meta');
      expect(visit('fbclid=1', 'https://l.instagram.com/').trafficSource).to.equal('Instagram');
      expect(visit('fbclid=1', 'https://mail.example.org/').trafficSource).to.equal('Meta');
      expect(channelOf('fbclid=1')).to.equal('Organic Social');
    });

    it('matches hosts by whole labels, the most exact first', () => {
      const sources = [
        ['https://www.google.co.uk/', 'Google', 'Organic Search'],
        ['https://google.cat/', 'Google', 'Organic Search'],
        ['https://mail.google.com/', 'Gmail', 'Email'],
        ['https://docs.google.com/', 'docs.google.com', 'Referral'],
        ['https://google.com.evil.test/', 'google.com.evil.test', 'Referral'],
        ['https://notgoogle.com/', 'notgoogle.com', 'Referral'],
        ['https://google.evil.io/', 'google.evil.io', 'Referral'],
        ['https://www.google.com@evil.test/', 'evil.test', 'Referral'],
        ['https://evil.test\\@www.google.com/', 'evil.test', 'Referral'],
        ['https://microsoft.com/', 'microsoft.com', 'Referral'],
        ['https://de.search.yahoo.com/', 'Yahoo!', 'Organic Search'],
        ['https://finance.yahoo.com/', 'finance.yahoo.com', 'Referral'],
        ['https://m.yandex.kz/', 'Yandex', 'Organic Search'],
        ['https://HTML.DuckDuckGo.com.:443/x', 'DuckDuckGo', 'Organic Search'],
        ['https://www.pinterest.com.au/', 'Pinterest', 'Organic Social'],
        ['https://gemini.google.com/app', 'Google Gemini', 'AI Assistants'],
        ['https://openai.com/', 'openai.com', 'Referral'],
        ['https://www.amazon.co.jp/', 'Amazon', 'Organic Shopping'],
        ['https://aws.amazon.com/', 'aws.amazon.com', 'Referral'],
        ['https://youtu.be/', 'YouTube', 'Organic Video'],
        ['https://de.wikipedia.org/', 'Wikipedia', 'Referral'],
        ['https://[2001:db8::1]:8080/', '2001:db8::1', 'Referral'],
        ['https://bücher.example/', 'xn--bcher-kva.example', 'Referral'],
        ['android-app://com.google.android.gm/', 'Gmail', 'Email'],
        ['android-app://com.facebook.orca', 'Messenger', 'Organic Social'],
        ['android-app://com.facebook.katana', 'Facebook', 'Organic Social'],
        ['android-app://com.facebookish.app', 'com.facebookish.app', 'Referral'],
      ] as const;

      const found = sources.map(([referrer]) => {
        const { trafficSource, channel } = visit('', referrer);
        return [referrer, trafficSource, channel];
      });

      expect(found).to.deep.equal(sources);
    });

    it('takes nothing else for a referrer', () => {
      const texts = [
        'ios-app://544007664/',
        'file:///C:/a',
        '//a.test/',
        'a.test',
        '$direct',
        'https:///',
      ];

      for (const text of texts) expect(visit('', text)).to.deep.equal({ path: '/' });
    });
  });

  describe('of a referrer that is no source', () => {
    it('leaves out pages of one’s own: the same registrable domain, own hosts, this machine', () => {
      const project = { ownHosts: ['https://Pay.Partner.example/x', 'other.test'] };
      const own = [
        'https://shop.example/cart',
        'https://blog.shop.example/',
        'https://pay.partner.example/',
        'https://m.other.test/',
        'http://localhost:3000/',
      ];

      for (const referrer of own) expect(visit('', referrer, project)).to.deep.equal({ path: '/' });
      expect(visit('', 'https://partner.example/', project).referrerHost).to.equal(
        'partner.example',
      );
    });

    it('tells sites apart that share a public suffix', () => {
      const between = (a: string, b: string) =>
        attributionOf({ url: `https://${a}/`, referrer: `https://${b}/` }).trafficSource;

      expect(between('a.co.uk', 'b.co.uk')).to.equal('b.co.uk');
      expect(between('a.github.io', 'b.github.io')).to.equal('b.github.io');
      expect(between('x.a.co.uk', 'a.co.uk')).to.equal(undefined);
      expect(between('192.0.2.7', '192.1.2.7')).to.equal('192.1.2.7');
      expect(between('192.0.2.7', '192.0.2.7')).to.equal(undefined);
    });

    it('leaves out payment and sign-in pages, and those that a project names, but keeps their host', () => {
      const project = { ignoredReferrers: ['bank.test'] };
      const hosts = [
        'www.paypal.com',
        'checkout.stripe.com',
        'accounts.google.com',
        '3ds.bank.test',
      ];

      for (const host of hosts) {
        expect(visit('', `https://${host}/`, project)).to.deep.equal({
          path: '/',
          referrerHost: host,
        });
      }
    });
  });

  describe('of a channel', () => {
    /** Query, referrer, channel. */
    const CASES = [
      ['', '', 'Direct'],
      ['utm_medium=none-of-ours', '', 'Direct'],
      ['utm_source=google&utm_campaign=Cross-Network+1', '', 'Cross-network'],
      // A medium that names a channel.
      ['utm_source=acme&utm_medium=E_Mail', '', 'Email'],
      ['utm_source=acme&utm_medium=newsletter', '', 'Email'],
      ['utm_source=acme&utm_medium=voicemail', '', 'Referral'],
      ['utm_source=acme&utm_medium=Affiliates', '', 'Affiliates'],
      ['utm_source=acme&utm_medium=sms', '', 'SMS'],
      ['utm_source=acme&utm_medium=web_push', '', 'Mobile Push'],
      ['utm_source=acme&utm_medium=app-notification', '', 'Mobile Push'],
      ['utm_source=acme&utm_medium=audio', '', 'Audio'],
      ['utm_source=acme&utm_medium=banner', '', 'Display'],
      ['utm_source=acme&utm_medium=link', '', 'Referral'],
      ['utm_medium=email', 'https://www.google.com/', 'Email'],
      ['utm_medium=email&gclid=1', '', 'Email'],
      ['utm_source=chatgpt.com&utm_medium=email', '', 'Email'],
      ['utm_source=linkedin&utm_medium=email', '', 'Organic Social'],
      ['utm_source=bing&utm_medium=display', '', 'Display'],
      // Paid, by what kind of place.
      ['utm_source=google&utm_medium=CPC', '', 'Paid Search'],
      ['utm_source=google&utm_medium=cpc_brand', '', 'Paid Search'],
      ['utm_source=linkedin&utm_medium=paid', '', 'Paid Social'],
      ['utm_source=youtube&utm_medium=cpv', '', 'Paid Video'],
      ['utm_source=ebay&utm_medium=ppc', '', 'Paid Shopping'],
      ['utm_source=claude&utm_medium=cpc', '', 'Paid Other'],
      ['utm_medium=retargeting', '', 'Paid Other'],
      ['utm_source=acme&utm_medium=cpm', '', 'Display'],
      ['utm_source=reddit&utm_medium=cpm', '', 'Paid Social'],
      ['utm_source=acme&utm_medium=unpaid', '', 'Referral'],
      ['utm_source=acme&utm_medium=tcp-news', '', 'Referral'],
      ['utm_source=linkedin_ads', '', 'Paid Social'],
      ['utm_source=threads', '', 'Organic Social'],
      ['gbraid=1', '', 'Paid Search'],
      ['li_fat_id=1', 'https://www.linkedin.com/', 'Paid Social'],
      ['yclid=1', '', 'Paid Search'],
      ['srsltid=1', 'https://www.google.com/', 'Organic Search'],
      ['mc_cid=1&mc_eid=2&_kx=3', '', 'Direct'],
      ['utm_medium=cpc', 'https://www.ecosia.org/', 'Paid Search'],
      // A campaign for shopping.
      ['utm_source=acme&utm_medium=cpc&utm_campaign=shop-may', '', 'Paid Shopping'],
      ['utm_source=google&utm_medium=cpc&utm_campaign=shop-may', '', 'Paid Search'],
      ['utm_campaign=Shopping', 'https://www.facebook.com/', 'Organic Shopping'],
      ['utm_source=acme&utm_medium=email&utm_campaign=workshop', '', 'Email'],
      // By place, or by a medium of that name.
      ['', 'https://chatgpt.com/', 'AI Assistants'],
      ['utm_source=perplexity&utm_medium=social', '', 'AI Assistants'],
      ['utm_source=acme&utm_medium=Social+Network', '', 'Organic Social'],
      ['utm_source=acme&utm_medium=video_ad', '', 'Organic Video'],
      ['utm_source=acme&utm_medium=organic', '', 'Organic Search'],
      ['utm_source=acme&utm_medium=shopping', '', 'Organic Shopping'],
      ['utm_source=spring_newsletter', '', 'Email'],
      ['utm_source=sms', '', 'SMS'],
      ['utm_source=firebase', '', 'Mobile Push'],
      ['', 'https://partner.test/', 'Referral'],
    ] as const;

    it('follows from source, medium and campaign, the first that fits', () => {
      const found = CASES.map(([query, referrer]) => [query, referrer, channelOf(query, referrer)]);

      expect(found).to.deep.equal(CASES);
    });

    it('is one of the known names', () => {
      for (const [, , channel] of CASES) expect(CHANNELS).to.include(channel);
    });

    it('is absent for a direct visit, and gets its name where it is read', () => {
      expect(visit('')).to.deep.equal({ path: '/' });
      expect(channelName(undefined)).to.equal('Direct');
      expect(channelName('')).to.equal('Direct');
      expect(channelName('Email')).to.equal('Email');
    });
  });

  describe('of a project', () => {
    const project: AttributionProject = {
      sources: {
        partnernet: 'affiliates',
        'forum.shop-fans.test': { kind: 'social', name: 'Fan forum' },
        'acme ads': { name: 'Acme', paid: true },
        'app:test.fans': 'social',
        'bing.com': 'other',
      },
    };

    it('knows its own sources, and lets them win', () => {
      expect(channelOf('utm_source=PartnerNet', '', project)).to.equal('Affiliates');
      expect(visit('', 'https://m.forum.shop-fans.test/', project)).to.include({
        trafficSource: 'Fan forum',
        channel: 'Organic Social',
      });
      expect(visit('utm_source=Acme_Ads', '', project)).to.include({
        trafficSource: 'Acme',
        channel: 'Paid Other',
      });
      expect(channelOf('', 'android-app://test.fans.lite', project)).to.equal('Organic Social');
      expect(channelOf('', 'https://www.bing.com/', project)).to.equal('Referral');
    });

    it('changes nothing for others', () => {
      expect(channelOf('utm_source=partnernet')).to.equal('Referral');
      expect(channelOf('', 'https://www.bing.com/', {})).to.equal('Organic Search');
    });
  });

  describe('of any text', () => {
    const pieces = fc.constantFrom(
      'https://', 'android-app://', '//', '/', '?', '&', '=', '#', '%', '%C3', '@', '[', ']', ':', '.', '\\',
      'utm_source=', 'utm_medium', 'gclid=', 'www.', 'google.com', 'shop.example', '+', '\ud800', '\0', 'xn--', 'ü',
    ); // prettier-ignore
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc
        .array(fc.oneof(pieces, fc.string({ maxLength: 5 })), { maxLength: 30 })
        .map((a) => a.join('')),
    );

    it('never throws, and says the same of the same', () => {
      fc.assert(
        fc.property(
          fc.record({ url: text, referrer: text, trafficSource: text, medium: text }),
          (event) => {
            const found = attributionOf(event, { ownHosts: [event.referrer] });

            expect(attributionOf(event, { ownHosts: [event.referrer] })).to.deep.equal(found);
            for (const value of Object.values(found))
              expect(value).to.be.a('string').and.not.equal('');
          },
        ),
        { numRuns: 2_000 },
      );
    });

    it('takes a project’s settings as they come', () => {
      fc.assert(
        fc.property(text, fc.dictionary(text, fc.constant('social' as const)), (host, sources) => {
          attributionOf(
            { url: host, referrer: `https://${host}` },
            { ignoredReferrers: [host], sources },
          );
        }),
        { numRuns: 500 },
      );
    });

    it('takes time in proportion to a long text', () => {
      const chars = 100_000;
      // What takes the square of it would be at it for minutes.
      for (const piece of [
        'a',
        '.',
        'a.',
        '&',
        '=',
        '%',
        '%zz',
        '%C3',
        '?',
        '/',
        '#',
        '@',
        ':',
        '+',
        ' ',
        '_ ',
        '\\',
      ]) {
        const long = piece.repeat(chars / piece.length);
        for (const text of [
          long,
          `https://${long}`,
          `https://a.test/?utm_source=${long}`,
          `/?${long}`,
        ]) {
          attributionOf({
            url: text,
            referrer: text,
            trafficSource: long,
            medium: long,
            campaign: long,
          });
          attributionOf({ url: text });
        }
      }
    });
  });

  describe('by its tables', () => {
    const TABLES = { SEARCH, SOCIAL, VIDEO, SHOPPING, ASSISTANTS, EMAIL, SMS, PUSH, OTHER };
    const marks = [
      ...[...Object.values(TABLES), PAID_SOURCES].flatMap((table) =>
        Object.values(table).flatMap((text: string) => text.split(' ')),
      ),
      ...[...SOCIAL_HOSTS_AND_WORDS, ...SOCIAL_HOSTS, ...SOCIAL_WORDS].join(' ').split(' '),
      ...SOCIAL_HOSTS_AND_WORDS.join(' ').split(' ').map((host) => host.slice(0, host.indexOf('.'))), // prettier-ignore
    ];

    it('has each mark once, well formed', () => {
      const again = marks.filter((mark, index) => marks.indexOf(mark) !== index);
      const malformed = marks.filter(
        (mark) => !/^(?:app:|=)?[a-z0-9+-]+(?:\.[a-z0-9_-]+)*(?:\.\*)?$/.test(mark),
      );

      expect(again).to.deep.equal([]);
      expect(malformed).to.deep.equal([]);
    });

    it('knows the sources that click ids, paid words and Meta’s links name', () => {
      const names = Object.values(TABLES).flatMap((table) => Object.keys(table));

      for (const { source } of Object.values(CLICK_IDS))
        expect(findWord(KNOWN_SOURCES, source)?.name).to.be.a('string');
      expect(names).to.include.members([...Object.keys(PAID_SOURCES), ...META_SOURCES]);
    });

    it('has hosts alone where people are sent back from', () => {
      for (const host of [...PAYMENT_HOSTS, ...SIGN_IN_HOSTS].join(' ').split(' ')) {
        expect(host).to.match(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/);
      }
    });
  });
});

/** What other tools say of visits. It is data to check with, and not shipped. */
const TABLE = fileURLToPath(new URL('../../../shared/data/channels.tsv', import.meta.url));

const SENT_BACK = 'a payment or sign-in page, which the others do not know as one';
const PAID_CLICK = 'a click id of an advertising network, which the others do not read there';

/** Visits of which Plausible, PostHog and GA4 say the same, and we another thing: `query referrer` and the reason. */
const REASONS: Readonly<Record<string, string>> = {
  '?msclkid=a https://duckduckgo.com/': PAID_CLICK,
  '?ttclid=a ': PAID_CLICK,
  '?ttclid=a https://www.tiktok.com/': PAID_CLICK,
  '?rdt_cid=a https://www.reddit.com/': PAID_CLICK,
  ' https://checkout.stripe.com/c/pay': SENT_BACK,
  ' https://checkout.shopify.com/': SENT_BACK,
  ' https://secure.adyen.com/': SENT_BACK,
  ' https://login.microsoftonline.com/': SENT_BACK,
  ' https://appleid.apple.com/': SENT_BACK,
};

/** One word for each channel, whatever a tool calls it. */
const THEIR_NAMES: Readonly<Record<string, string>> = {
  Affiliate: 'Affiliates',
  'AI Assistant': 'AI Assistants',
  'Cross Network': 'Cross-network',
  'Mobile Push Notifications': 'Mobile Push',
  'Paid Unknown': 'Paid Other',
  Push: 'Mobile Push',
};

describe('attribution beside Plausible, PostHog and GA4', () => {
  interface Row {
    readonly visit: string;
    readonly ours: string;
    readonly theirs: string;
  }
  let agreed: readonly Row[] = [];

  before(function () {
    if (!existsSync(TABLE)) {
      process.stdout.write(
        '      (skipped: the data of the founders is not beside this checkout)\n',
      );
      this.skip();
    }
    agreed = readTable()
      .filter((row) => row.get('agree') === 'same')
      .map((row) => {
        const url = row.get('url') ?? '';
        const referrer = row.get('referrer') ?? '';
        const theirs = (row.get('plausible_channel') ?? '').replace(/ \{.*$/, '');
        return {
          visit: `${url.replace(/^https:\/\/shop\.example\//, '')} ${referrer}`,
          ours: channelName(attributionOf({ url, referrer }).channel),
          theirs: THEIR_NAMES[theirs] ?? theirs,
        };
      });
  });

  it('says what all three say, or has a reason', () => {
    const unexplained = agreed.filter(
      ({ visit, ours, theirs }) => ours !== theirs && REASONS[visit] === undefined,
    );

    expect(agreed.length).to.be.above(80);
    expect(unexplained).to.deep.equal([]);
  });

  it('has no reason that is no longer needed', () => {
    const differing = agreed.filter(({ ours, theirs }) => ours !== theirs);

    expect(differing.map(({ visit }) => visit)).to.have.members(Object.keys(REASONS));
  });
});

/** Rows by name of column; the first line says where they come from. */
function readTable(): readonly ReadonlyMap<string, string>[] {
  const [, header = '', ...lines] = readFileSync(TABLE, 'utf8').trimEnd().split('\n');
  const names = header.split('\t');
  return lines.map(
    (line) => new Map(line.split('\t').map((cell, at) => [names[at] ?? '', unquote(cell)])),
  );
}

function unquote(cell: string): string {
  return cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;
}
