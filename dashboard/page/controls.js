// @ts-check
/** What is looked at: project, days, comparison, audience, filters, theme. */
import { html, useEffect, useState } from '/vendor/htm/standalone.module.js';
import { changed, dimensionTitle, filtersOf, hrefOf, toggled } from './address.js';
import { formatValue } from './format.js';
import { follow, withoutFilters } from './lists.js';

/** @typedef {(next: URLSearchParams) => void} Go */

const RANGES = /** @type {const} */ ([
  ['today', 'Today'],
  ['yesterday', 'Yesterday'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
  ['90d', 'Last 90 days'],
  ['12mo', 'Last 12 months'],
  ['week', 'This week'],
  ['month', 'This month'],
  ['last-month', 'Last month'],
  ['year', 'This year'],
]);

const COMPARISONS = /** @type {const} */ ([
  ['previous', 'with the days before'],
  ['year', 'with a year before'],
  ['none', 'with nothing'],
]);

const AUDIENCES = /** @type {const} */ ([
  ['people', 'People'],
  ['everyone', 'Everyone'],
  ['bots', 'Bots'],
]);

/** @param {{ projects: readonly any[], address: URLSearchParams, go: Go, hasLogin: boolean }} props */
export function Top({ projects, address, go, hasLogin }) {
  const project = address.get('project') ?? '';
  return html`
    <header class="top">
      <a class="brand" href=${hrefOf(new URLSearchParams({ project }))}>Sojourn</a>
      <label class="project">
        <span class="visually-hidden">Project</span>
        <select
          value=${project}
          onChange=${(/** @type {any} */ event) => {
            const kept = ['range', 'from', 'to', 'compare', 'audience', 'measure', 'unit'];
            const next = new URLSearchParams([...address].filter(([name]) => kept.includes(name)));
            next.set('project', event.currentTarget.value);
            go(next);
          }}
        >
          ${projects.map((one) => html`<option key=${one.project} value=${one.project}>${one.project}</option>`)}
          ${projects.some((one) => one.project === project) ? null : html`<option value=${project}>${project}</option>`}
        </select>
      </label>
      <span class="space"></span>
      <${Theme} />
      ${hasLogin && html`<form method="post" action="/logout"><button>Log out</button></form>`}
    </header>
  `;
}

function Theme() {
  const [theme, setTheme] = useState(document.documentElement.dataset['chosen'] ?? 'auto');
  useEffect(() => {
    if (theme === 'auto') delete document.documentElement.dataset['chosen'];
    else document.documentElement.dataset['chosen'] = theme;
    try {
      localStorage.setItem('theme', theme);
    } catch {
      // No storage is allowed here: it holds until the page is left.
    }
  }, [theme]);
  return html`
    <label class="theme">
      <span class="visually-hidden">Colours</span>
      <select
        value=${theme}
        onChange=${(/** @type {any} */ event) => setTheme(event.currentTarget.value)}
      >
        <option value="auto">As the system</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  `;
}

/** @param {{ address: URLSearchParams, go: Go, head: any }} props */
export function Controls({ address, go, head }) {
  const isOwn = address.has('from') || address.has('to');
  const range = isOwn ? 'own' : (address.get('range') ?? '30d');
  const [isChoosing, setChoosing] = useState(isOwn);
  useEffect(() => setChoosing(isOwn), [isOwn]);
  const audience = address.get('audience') ?? 'people';

  return html`
    <section class="controls" aria-label="What is looked at">
      <label>
        <span>Days</span>
        <select
          id="range"
          value=${isChoosing ? 'own' : range}
          onChange=${(/** @type {any} */ event) => {
            const value = event.currentTarget.value;
            setChoosing(value === 'own');
            if (value === 'own') return;
            go(changed(address, { range: value, from: undefined, to: undefined, unit: undefined }));
          }}
        >
          ${RANGES.map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
          <option value="own">Own days …</option>
        </select>
      </label>
      ${
        isChoosing &&
        html`
          <form
            class="own-days"
            onSubmit=${(/** @type {any} */ event) => {
              event.preventDefault();
              const form = new FormData(event.currentTarget);
              const days = [String(form.get('from')), String(form.get('to'))].sort();
              go(
                changed(address, { range: undefined, from: days[0], to: days[1], unit: undefined }),
              );
            }}
          >
            <label
              ><span>From</span
              ><input
                type="date"
                name="from"
                required
                value=${address.get('from') ?? head?.current.from}
            /></label>
            <label
              ><span>to</span
              ><input type="date" name="to" required value=${address.get('to') ?? head?.current.to}
            /></label>
            <button>Show</button>
          </form>
        `
      }
      <label>
        <span>Compare</span>
        <select
          id="compare"
          value=${address.get('compare') ?? 'previous'}
          onChange=${(/** @type {any} */ event) => go(changed(address, { compare: event.currentTarget.value }))}
        >
          ${COMPARISONS.map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
        </select>
      </label>
      <div class="tabs" role="group" aria-label="Of whom">
        ${AUDIENCES.map(
          ([value, name]) =>
            html`<button
              key=${value}
              type="button"
              aria-pressed=${audience === value ? 'true' : 'false'}
              onClick=${() => go(changed(address, { audience: value }))}
            >
              ${name}
            </button>`,
        )}
      </div>
      <${Filters} address=${address} go=${go} />
    </section>
  `;
}

/** @param {{ address: URLSearchParams, go: Go }} props */
function Filters({ address, go }) {
  const filters = filtersOf(address);
  if (filters.length === 0) return null;
  const none = withoutFilters(address);
  return html`
    <ul class="filters" aria-label="Filters">
      ${filters.map(([dimension, value]) => {
        const next = toggled(address, dimension, value);
        return html`<li key=${`${dimension} ${value}`}>
          <span
            >${dimensionTitle(dimension)}: <strong>${formatValue(dimension, value)}</strong></span
          >
          <a
            href=${hrefOf(next)}
            onClick=${(/** @type {MouseEvent} */ event) => follow(event, next, go)}
            aria-label="Remove the filter ${dimensionTitle(dimension)}: ${value}"
            >×</a
          >
        </li>`;
      })}
      ${
        filters.length > 1 &&
        html`<li class="all">
          <a
            href=${hrefOf(none)}
            onClick=${(/** @type {MouseEvent} */ event) => follow(event, none, go)}
            >Remove all</a
          >
        </li>`
      }
    </ul>
  `;
}
