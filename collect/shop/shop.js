/** The shop: a few pages, a purchase, and Snowplow's tracker as anybody would use it. */
const TRACKER = 'shop';
const ECOMMERCE = 'iglu:com.snowplowanalytics.snowplow.ecommerce';

const PAGES = {
  '/shop/': { title: 'Welcome', about: 'Have a look at the notebooks and pens.' },
  '/shop/notebooks': {
    title: 'Notebook, dotted, A5',
    about: '192 pages that lie flat. 14.90 EUR.',
    price: 14.9,
  },
  '/shop/pens': { title: 'Fountain pen', about: 'With a fine nib. 29.00 EUR.', price: 29 },
  '/shop/thanks': { title: 'Thank you', about: 'Your order is on its way. (It is not.)' },
};

const { newTracker, enableActivityTracking, trackPageView, trackSelfDescribingEvent } =
  globalThis.snowplowBrowserTracking;
const config = await (await fetch('/shop/config')).json();
const tracker = newTracker(TRACKER, location.origin, { appId: config.key });
enableActivityTracking({ minimumVisitLength: 10, heartbeatDelay: 10 });

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[data-page]');
  if (link === null || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  go(link.getAttribute('href'));
});
addEventListener('popstate', show);
document.getElementById('buy').addEventListener('click', buy);
show();

function go(path) {
  history.pushState(null, '', path);
  show();
}

function show() {
  const page = PAGES[location.pathname] ?? PAGES['/shop/'];
  document.title = page.title;
  document.querySelector('h1').textContent = page.title;
  document.getElementById('about').textContent = page.about;
  const button = document.getElementById('buy');
  button.hidden = page.price === undefined;
  button.textContent = 'Buy';
  trackPageView();
  showLinks();
}

function buy() {
  const { price } = PAGES[location.pathname];
  trackSelfDescribingEvent({
    event: {
      schema: `${ECOMMERCE}/snowplow_ecommerce_action/jsonschema/1-0-2`,
      data: { type: 'transaction' },
    },
    context: [
      {
        schema: `${ECOMMERCE}/transaction/jsonschema/1-0-0`,
        data: { transaction_id: crypto.randomUUID(), revenue: price, currency: 'EUR' },
      },
    ],
  });
  go('/shop/thanks');
}

/** Where this visit can be seen. The session's id is the tracker's own. */
function showLinks() {
  const sessionId = tracker.getDomainUserInfo()[6];
  const { project, dashboardUrl, temporalUiUrl, temporalNamespace } = config;
  const links = [
    dashboardUrl && ['The numbers, moving', `${dashboardUrl}/?project=${project}`],
    temporalUiUrl && [
      'This visit as a workflow in Temporal',
      `${temporalUiUrl}/namespaces/${temporalNamespace}/workflows/${encodeURIComponent(`session/${project}/${sessionId}`)}`,
    ],
  ].filter(Boolean);
  document.getElementById('links').replaceChildren(
    ...links.map(([text, href]) => {
      const item = document.createElement('li');
      const link = document.createElement('a');
      Object.assign(link, { textContent: text, href, target: '_blank', rel: 'noopener' });
      item.append(link);
      return item;
    }),
  );
}
