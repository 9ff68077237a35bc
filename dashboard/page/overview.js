// @ts-check
/** The cards with the totals, and the chart of the one that is chosen. */
import { html } from '/vendor/htm/standalone.module.js';
import { changed, hrefOf, queryOf } from './address.js';
import { useCompared } from './api.js';
import { Chart } from './chart.js';
import { formatDay, formatDays } from './format.js';
import { linesOf, linesOfOne } from './lines.js';
import { follow } from './lists.js';
import { changeOf, MEASURES, revenueIn } from './measures.js';
import { Old, Panel, Trouble } from './panel.js';

/** @typedef {(next: URLSearchParams) => void} Go */

/** Currencies of either period, those of the range first. @param {any} summary */
function currenciesOf(summary) {
  const all = [...(summary?.totals.revenue ?? []), ...(summary?.before?.revenue ?? [])];
  return [...new Set(all.map((/** @type {any} */ { currency }) => currency))];
}

/** @param {{ answer: any, address: URLSearchParams, go: Go }} props */
export function Cards({ answer, address, go }) {
  const { data, error, isLoading, isStale, isComparing, isUncompared, retry } = answer;
  if (error !== undefined) return html`<${Trouble} error=${error} retry=${retry} />`;
  const chosen = address.get('of') === null ? (address.get('measure') ?? 'visitors') : '';
  const measures = [...MEASURES, ...currenciesOf(data).map(revenueIn)];
  const missing = data?.previousMissing
    ? 'before: deleted'
    : isUncompared
      ? 'not compared'
      : undefined;
  return html`
    <${Old} answer=${answer} />
    <section
      class="cards ${isStale ? 'stale' : ''}"
      aria-label="Totals"
      aria-busy=${isStale || isComparing ? 'true' : 'false'}
    >
      ${
        isLoading
          ? MEASURES.map(
              ({ key, title }) =>
                html`<div key=${key} class="card skeleton" role="status">
                  <span class="visually-hidden">${title}: loading</span>
                </div>`,
            )
          : measures.map((measure) => {
              const change =
                data.before === null ? undefined : changeOf(measure, data.totals, data.before);
              return html`<button
                key=${measure.key}
                type="button"
                class="card"
                title=${measure.help}
                aria-pressed=${measure.key === chosen ? 'true' : 'false'}
                onClick=${() => go(changed(address, { measure: measure.key, of: undefined, name: undefined }))}
              >
                <span class="title">${measure.title}</span>
                <span class="value" data-measure=${measure.key}
                  >${measure.textOf(data.totals)}</span
                >
                ${
                  data.before === null
                    ? missing && html`<span class="change">${missing}</span>`
                    : html`<span class="change"
                        >${change ?? 'nothing before'}<span class="visually-hidden">
                          against ${measure.textOf(data.before)} before</span
                        ></span
                      >`
                }
              </button>`;
            })
      }
    </section>
  `;
}

const UNITS = /** @type {const} */ ([
  ['hour', 'Hours', 14],
  ['day', 'Days', 1_100],
  ['week', 'Weeks', 4_000],
  ['month', 'Months', 4_000],
]);

/** @param {{ address: URLSearchParams, go: Go, refresh: number, head: any }} props */
export function ChartPanel({ address, go, refresh, head }) {
  const of = address.get('of');
  const name = address.get('name') ?? '';
  const answer = useCompared(
    of === null ? '/api/chart' : '/api/over-time',
    of === null ? queryOf(address) : queryOf(address, { of, name }),
    refresh,
  );
  const { data, error, isLoading, isStale, isComparing, isUncompared, retry } = answer;
  const shape = data === undefined ? undefined : data.series === undefined ? 'one' : 'all';
  const isReady = shape === (of === null ? 'all' : 'one');
  const measure = measureOf(address.get('measure') ?? 'visitors');
  const title =
    of === null ? measure.title : `${of === 'pages' ? 'Page views of' : 'Events'} ${name}`;
  const unit = of !== null && data?.unit === 'hour' ? 'day' : data?.unit;
  const days = head === undefined ? 0 : lengthOf(head.current);

  return html`
    <${Panel}
      id="panel-chart"
      title=${title}
      className="whole"
      isStale=${isStale}
      isComparing=${isComparing}
      answer=${answer}
      exports=${
        of === null
          ? {
              name: measure.key.startsWith('revenue-') ? 'revenue' : 'chart',
              query: queryOf(address),
            }
          : { name: 'over-time', query: queryOf(address, { of, name }) }
      }
    >
      <div class="tabs" role="group" aria-label="Points of the chart">
        ${UNITS.filter(([, , most]) => days <= most).map(
          ([value, text]) =>
            html`<button
              key=${value}
              type="button"
              aria-pressed=${data?.unit === value ? 'true' : 'false'}
              onClick=${() => go(changed(address, { unit: value }))}
            >
              ${text}
            </button>`,
        )}
        ${
          of !== null &&
          html`<a
            class="back"
            href=${hrefOf(changed(address, { of: undefined, name: undefined }))}
            onClick=${(/** @type {MouseEvent} */ event) => follow(event, changed(address, { of: undefined, name: undefined }), go)}
            >Back to ${measure.title.toLowerCase()}</a
          >`
        }
      </div>
      ${
        error !== undefined
          ? html`<${Trouble} error=${error} retry=${retry} />`
          : isLoading || !isReady
            ? html`<div class="plot skeleton" role="status">
                <span class="visually-hidden">Loading the chart</span>
              </div>`
            : html`<${Chart}
                title=${title}
                unit=${unit}
                missing=${data.previousMissing}
                ...${shape === 'all' ? linesOf(data, measure) : linesOfOne(data)}
              />`
      }
      ${
        data?.countedBy === 'visits'
          ? html`<p class="quiet">
              With a filter, everything counts on the day its session began.
              <a href="#about">How it is counted</a>
            </p>`
          : null
      }
      ${isReady && html`<p class="quiet">${noteOn(data, isUncompared)}</p>`}
    <//>
  `;
}

/** What the dashed line is, or why there is none. @param {any} data @param {boolean} isUncompared */
function noteOn({ previous, previousUntil, previousMissing, keptFrom }, isUncompared) {
  if (previousMissing) return `Not compared: days before ${formatDay(keptFrom)} are deleted.`;
  if (previous) return `Dashed: ${formatDays(previous)}${previousUntil ? ', whole days' : ''}.`;
  return isUncompared ? 'Not compared: the days before could not be read.' : '';
}

/** @param {{ from: string, to: string }} days */
const lengthOf = ({ from, to }) => (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1;

/** @param {string} key */
function measureOf(key) {
  if (key.startsWith('revenue-')) return revenueIn(key.slice('revenue-'.length));
  return MEASURES.find((one) => one.key === key) ?? /** @type {any} */ (MEASURES[0]);
}
