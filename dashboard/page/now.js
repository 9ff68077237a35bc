// @ts-check
/** Visitors now and the last half hour, moving by themselves. */
import { html } from '/vendor/htm/standalone.module.js';
import { formatCount } from './format.js';
import { Panel } from './panel.js';

/** Who counts, by the audience of the page. @param {any} part @param {string} audience */
function countOf(part, audience) {
  if (audience === 'bots') return part.bots;
  return audience === 'everyone' ? part.people + part.bots : part.people;
}

/** What the numbers are worth. @param {any} now @param {boolean} isConnected */
function stateOf(now, isConnected) {
  if (!isConnected) return `Connection lost, trying again. Numbers of ${now.clock}`;
  if (now.isOld) return `Numbers of ${now.clock}: ClickHouse could not be read again`;
  return now.isLive ? 'Live' : 'No news from NATS: looked at every 5 seconds';
}

/** @param {{ now: any, isConnected: boolean, audience: string, className?: string }} props */
export function NowPanel({ now, isConnected, audience }) {
  if (now === undefined) {
    return html`<${Panel} id="panel-now" title="Right now" className="now">
      <p class="big" data-now="">…</p>
      <p class="quiet">Waiting for the server.</p>
    <//>`;
  }
  const here = countOf(now, audience);
  const lately = countOf({ people: now.peopleLately, bots: now.botsLately }, audience);
  const minutes = now.minutes.map((/** @type {any} */ minute) => ({
    label: minute.label,
    count: countOf(minute, audience),
  }));
  const most = Math.max(1, ...minutes.map((/** @type {any} */ { count }) => count));
  const who = audience === 'bots' ? 'bots' : 'visitors';
  return html`
    <${Panel} id="panel-now" title="Right now" className="now">
      <p class="big"><strong data-now=${here}>${formatCount(here)}</strong> ${who} here</p>
      <p class="quiet">
        <span data-lately=${lately}>${formatCount(lately)}</span> in the last 30 minutes
      </p>
      <div
        class="minutes"
        role="img"
        aria-label="${who} minute by minute, at most ${most}; the table below has all of them"
      >
        ${minutes.map(
          (/** @type {any} */ { label, count }) =>
            html`<span key=${label} title="${label}: ${count}"
              ><i style=${{ height: `${(100 * count) / most}%` }}></i
            ></span>`,
        )}
      </div>
      <p class="ends quiet" aria-hidden="true">
        <span>${minutes[0].label}</span><span>${minutes.at(-1).label}</span>
      </p>
      <p class="state quiet ${isConnected && !now.isOld ? '' : 'lost'}">
        ${stateOf(now, isConnected)}
      </p>
      <details class="as-table">
        <summary>Show as a table</summary>
        <div class="scroll" tabindex="0" role="region" aria-label="Last 30 minutes, as a table">
          <table>
            <caption class="visually-hidden">
              Last 30 minutes
            </caption>
            <thead>
              <tr>
                <th scope="col">Minute</th>
                <th scope="col" class="number">${who}</th>
              </tr>
            </thead>
            <tbody>
              ${minutes.map(
                (/** @type {any} */ { label, count }) =>
                  html`<tr key=${label}>
                    <th scope="row">${label}</th>
                    <td class="number">${count}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </details>
    <//>
  `;
}
