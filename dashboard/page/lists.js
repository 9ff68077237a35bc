// @ts-check
/** The lists: each row is a link to the page with that filter, so that a click filters and the address tells. */
import { html } from '/vendor/htm/standalone.module.js';
import { changed, dimensionTitle, filtersOf, hrefOf, queryOf, toggled } from './address.js';
import { useAnswer } from './api.js';
import { formatCount, formatRate, formatValue } from './format.js';
import { Panel, Trouble } from './panel.js';

/** The panels, and the lists that each can show. The first is what it shows when nothing is chosen. */
export const PANELS = [
  {
    key: 'origins',
    title: 'Where they come from',
    lists: ['channel', 'source', 'campaign', 'medium', 'referrer'],
  },
  { key: 'pages', title: 'What they look at', lists: ['pages', 'entry', 'exit', 'events'] },
  { key: 'places', title: 'Where they are', lists: ['country', 'language'] },
  {
    key: 'devices',
    title: 'What they use',
    lists: ['device', 'browser', 'os', 'screen', 'version'],
  },
];

/** @type {Readonly<Record<string, string>>} */
const NAMES = {
  channel: 'Channels',
  source: 'Sources',
  campaign: 'Campaigns',
  medium: 'Media',
  referrer: 'Referrers',
  pages: 'Pages',
  entry: 'Entry pages',
  exit: 'Exit pages',
  events: 'Events',
  country: 'Countries',
  language: 'Languages',
  device: 'Devices',
  browser: 'Browsers',
  os: 'Systems',
  screen: 'Screens',
  version: 'App versions',
};

/** @param {string} list */
const nameOf = (list) => NAMES[list] ?? dimensionTitle(list);

/** What is counted in a list of what happened. @type {Readonly<Record<string, string>>} */
const COUNTED = { pages: 'Page views', events: 'Events' };

const FEW = 8;
const MANY = 200;

/**
 * @param {{ panel: { key: string, title: string, lists: readonly string[] }, address: URLSearchParams, go: (next: URLSearchParams) => void, refresh: number }} props
 */
export function ListPanel({ panel, address, go, refresh }) {
  const chosen = address.get(panel.key) ?? '';
  const list = panel.lists.includes(chosen) ? chosen : (panel.lists[0] ?? '');
  const isLong = address.get('more') === panel.key;
  const isOfEvents = COUNTED[list] !== undefined;
  const isFiltered = filtersOf(address).length > 0;
  const url =
    isOfEvents && isFiltered
      ? undefined
      : `/api/list/${list}?${queryOf(address, { limit: String(isLong ? MANY : FEW), unit: undefined, compare: undefined })}`;
  const answer = useAnswer(url, refresh);
  const { data, error, isLoading, isStale, retry } = answer;
  const id = `panel-${panel.key}`;

  return html`
    <${Panel}
      id=${id}
      title=${panel.title}
      isStale=${isStale && url !== undefined}
      answer=${answer}
      exports=${url === undefined ? undefined : { name: list, query: queryOf(address) }}
    >
      <div class="tabs" role="group" aria-label="${panel.title}: lists">
        ${panel.lists.map(
          (one) =>
            html`<button
              key=${one}
              type="button"
              aria-pressed=${one === list ? 'true' : 'false'}
              onClick=${() => go(changed(address, { [panel.key]: one, more: undefined }))}
            >
              ${nameOf(one)}
            </button>`,
        )}
      </div>
      ${
        url === undefined
          ? html`<p class="empty">
              ${nameOf(list)} are counted by the event, and sessions do not keep them: they cannot
              follow a filter.
              <a href=${hrefOf(withoutFilters(address))}>Remove the filters</a> to see them.
            </p>`
          : error !== undefined
            ? html`<${Trouble} error=${error} retry=${retry} />`
            : isLoading
              ? html`<div class="rows skeleton" role="status">
                  <span class="visually-hidden">Loading</span>
                </div>`
              : data.items.length === 0
                ? html`<p class="empty">Nothing here in these days.</p>`
                : html`<${Rows} list=${list} data=${data} address=${address} go=${go} />`
      }
      ${
        data?.isCut || isLong
          ? html`<button
              type="button"
              class="more"
              aria-expanded=${isLong ? 'true' : 'false'}
              onClick=${() => go(changed(address, { more: isLong ? undefined : panel.key }))}
            >
              ${isLong ? 'Show less' : 'Show more'}
            </button>`
          : null
      }
    <//>
  `;
}

/** @param {URLSearchParams} address */
export function withoutFilters(address) {
  return changed(
    address,
    Object.fromEntries(filtersOf(address).map(([name]) => [name, undefined])),
  );
}

/** @param {{ list: string, data: any, address: URLSearchParams, go: (next: URLSearchParams) => void }} props */
function Rows({ list, data, address, go }) {
  const most = Math.max(1, ...data.items.map((/** @type {any} */ item) => item.count));
  const isOfEvents = COUNTED[list] !== undefined;
  return html`
    <table class="list">
      <caption class="visually-hidden">
        ${nameOf(list)}
      </caption>
      <thead>
        <tr>
          <th scope="col">
            ${isOfEvents ? (list === 'pages' ? 'Page' : 'Event') : dimensionTitle(list)}
          </th>
          ${isOfEvents ? null : html`<th scope="col" class="number">Visitors</th>`}
          <th scope="col" class="number">${COUNTED[list] ?? 'Sessions'}</th>
          ${isOfEvents ? null : html`<th scope="col" class="number wide">Bounce rate</th>`}
        </tr>
      </thead>
      <tbody>
        ${data.items.map((/** @type {any} */ item) => {
          const next = isOfEvents
            ? changed(
                address,
                isLookedAt(address, list, item.name)
                  ? NOT_LOOKED_AT
                  : { of: list, name: item.name },
              )
            : toggled(address, list, item.name);
          const isOn = isOfEvents
            ? isLookedAt(address, list, item.name)
            : address.getAll(list).includes(item.name);
          const shown = formatValue(list, item.name);
          return html`<tr key=${item.name} class=${isOn ? 'on' : ''}>
            <th scope="row">
              <span class="bar" style=${{ width: `${(100 * item.count) / most}%` }}></span>
              <a
                href=${hrefOf(next)}
                data-name=${item.name}
                title=${item.name}
                aria-current=${isOn ? 'true' : undefined}
                onClick=${(/** @type {MouseEvent} */ event) => follow(event, next, go)}
              >
                <span class="visually-hidden"
                  >${isOn ? 'Remove: ' : isOfEvents ? 'Over time: ' : 'Only: '}</span
                >${shown}
              </a>
            </th>
            ${isOfEvents ? null : html`<td class="number">${formatCount(item.visitors)}</td>`}
            <td class="number">${formatCount(item.count)}</td>
            ${isOfEvents ? null : html`<td class="number wide">${formatRate(item.bounceRate)}</td>`}
          </tr>`;
        })}
      </tbody>
    </table>
  `;
}

const NOT_LOOKED_AT = { of: undefined, name: undefined };

/** @param {URLSearchParams} address @param {string} list @param {string} name */
function isLookedAt(address, list, name) {
  return address.get('of') === list && address.get('name') === name;
}

/**
 * A link of the page's own, unless it is to be opened elsewhere.
 * @param {MouseEvent} event
 * @param {URLSearchParams} next
 * @param {(next: URLSearchParams) => void} go
 */
export function follow(event, next, go) {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  event.preventDefault();
  go(next);
}
