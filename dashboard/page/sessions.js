// @ts-check
/** Sessions one by one: the newest first, and one with its timeline. */
import { html, useEffect, useRef, useState } from '/vendor/htm/standalone.module.js';
import { changed, hrefOf, queryOf } from './address.js';
import { ask, useAnswer } from './api.js';
import { formatMoney, formatSeconds, formatValue } from './format.js';
import { follow } from './lists.js';
import { Panel, Trouble } from './panel.js';

/** @param {{ address: URLSearchParams, go: (next: URLSearchParams) => void, refresh: number }} props */
export function SessionPanel({ address, go, refresh }) {
  const query = queryOf(address, { unit: undefined, compare: undefined });
  const answer = useAnswer(`/api/sessions?${query}`, refresh);
  const { data, error, isLoading, isStale, retry } = answer;
  const [more, setMore] = useState(/** @type {any} */ ({ query, sessions: [], next: undefined }));
  const [trouble, setTrouble] = useState(/** @type {string | undefined} */ (undefined));
  const later = more.query === query ? more : { query, sessions: [], next: undefined };
  const next = later.next === undefined ? data?.next : later.next;
  const sessions =
    later.sessions.length === 0 ? (data?.sessions ?? []) : [...later.first, ...later.sessions];

  const loadMore = async () => {
    try {
      const answer = await ask(`/api/sessions?${query}&after=${encodeURIComponent(next)}`);
      setTrouble(undefined);
      setMore({
        query,
        // What was first stays first: rows must not move under somebody who reads on.
        first: later.first ?? data.sessions,
        sessions: [...later.sessions, ...answer.sessions],
        next: answer.next,
      });
    } catch (failure) {
      setTrouble(String(/** @type {Error} */ (failure).message));
    }
  };

  return html`
    <${Panel}
      id="panel-sessions"
      title="Sessions"
      className="whole"
      isStale=${isStale}
      answer=${answer}
      exports=${{ name: 'sessions', query: queryOf(address) }}
    >
      ${
        error !== undefined
          ? html`<${Trouble} error=${error} retry=${retry} />`
          : isLoading
            ? html`<div class="rows skeleton" role="status">
                <span class="visually-hidden">Loading</span>
              </div>`
            : sessions.length === 0
              ? html`<p class="empty">
                  No sessions in these days. Choose others, or fewer filters.
                </p>`
              : html`<div
                  class="scroll"
                  tabindex="0"
                  role="region"
                  aria-label="Sessions, newest first"
                >
                  <table class="sessions">
                    <caption class="visually-hidden">
                      Sessions, newest first
                    </caption>
                    <thead>
                      <tr>
                        <th scope="col">Began</th>
                        <th scope="col">Came from</th>
                        <th scope="col">Entry page</th>
                        <th scope="col">Country</th>
                        <th scope="col">Device</th>
                        <th scope="col" class="number">Duration</th>
                        <th scope="col" class="number">Pages</th>
                        <th scope="col" class="number">Revenue</th>
                        <th scope="col">State</th>
                      </tr>
                    </thead>
                    <tbody>
                      ${sessions.map((/** @type {any} */ one) => {
                        const to = changed(address, {
                          session: one.session_id,
                          run: one.first_run_id,
                        });
                        return html`<tr key=${one.first_run_id}>
                          <th scope="row">
                            <a
                              href=${hrefOf(to)}
                              onClick=${(/** @type {MouseEvent} */ event) => follow(event, to, go)}
                              >${one.started.slice(0, 19)}</a
                            >
                          </th>
                          <td>${one.source || one.channel || 'Direct'}</td>
                          <td class="path">${one.entry_path || '(none)'}</td>
                          <td>${formatValue('country', one.country || '(none)')}</td>
                          <td>
                            ${[one.device_type, one.browser].filter(Boolean).join(', ') || '(none)'}
                          </td>
                          <td class="number">${formatSeconds(one.duration_seconds)}</td>
                          <td class="number">${one.page_views}</td>
                          <td class="number">${moneyOf(one.revenue_by_currency) || '–'}</td>
                          <td>
                            ${one.state === 'open' ? 'open' : 'ended'}${one.bot ? ', bot' : ''}
                          </td>
                        </tr>`;
                      })}
                    </tbody>
                  </table>
                </div>`
      }
      ${trouble && html`<${Trouble} error=${trouble} retry=${loadMore} />`}
      ${next && html`<button type="button" class="more" onClick=${loadMore}>Show more</button>`}
    <//>
  `;
}

/** @param {Readonly<Record<string, string>>} purse */
function moneyOf(purse) {
  return Object.entries(purse)
    .filter(([, amount]) => Number(amount) !== 0)
    .map(([currency, amount]) => formatMoney(amount, currency || '(none)'))
    .join(', ');
}

/** @param {{ address: URLSearchParams, go: (next: URLSearchParams) => void }} props */
export function SessionDialog({ address, go }) {
  const id = address.get('session');
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const run = address.get('run');
  const url =
    id === null
      ? undefined
      : `/api/session?${new URLSearchParams({ project: address.get('project') ?? '', id, ...(run && { run }) })}`;
  const { data, error, isLoading, retry } = useAnswer(url);
  const close = () => go(changed(address, { session: undefined, run: undefined }));

  useEffect(() => {
    const element = dialog.current;
    if (element === null) return;
    if (id !== null && !element.open) element.showModal();
    if (id === null && element.open) element.close();
  }, [id]);

  const isOf = data !== undefined && data.session.session_id === id;
  return html`
    <dialog
      ref=${dialog}
      class="session"
      aria-labelledby="session-title"
      onCancel=${(/** @type {Event} */ event) => {
        event.preventDefault();
        close();
      }}
    >
      ${
        id !== null &&
        html`
          <div class="head">
            <h2 id="session-title">Session</h2>
            <button type="button" onClick=${close}>Close</button>
          </div>
          <p class="path">${id}</p>
          ${
            error !== undefined
              ? html`<${Trouble} error=${error} retry=${retry} />`
              : isLoading || !isOf
                ? html`<div class="rows skeleton" role="status">
                    <span class="visually-hidden">Loading</span>
                  </div>`
                : html`<${OneSession} ...${data} />`
          }
        `
      }
    </dialog>
  `;
}

/** @param {any} answer */
function OneSession({ session, live, liveMissing, temporalUrl, timeZone }) {
  const facts = [
    ['Visitor', session.visitor_id || session.user_id || 'not known'],
    [
      'User',
      session.user_id && `${session.user_id}${session.new_user === true ? ', first session' : ''}`,
    ],
    ['Channel', session.channel || 'Direct'],
    ['Source', session.source || 'Direct'],
    ['Campaign', session.campaign],
    ['Referrer', session.referrer_host],
    ['Country', session.country && formatValue('country', session.country)],
    ['Device', [session.device_type, session.browser, session.os].filter(Boolean).join(', ')],
    ['Language', session.language && formatValue('language', session.language)],
    ['Page views', session.page_views],
    ['Events', session.events],
    ['Conversions', session.conversions],
    ['Revenue', moneyOf(session.revenue_by_currency)],
    ['Engaged', session.engaged ? 'yes' : 'no'],
    ['Bounced', session.bounced ? 'yes' : 'no'],
    ['Bot', session.bot ? 'yes' : ''],
    ['Excluded', session.excluded ? 'yes, by an operator: it is in no number' : ''],
  ].filter(([, value]) => value !== '' && value !== undefined);
  return html`
    <h3>Timeline <small>${timeZone}</small></h3>
    <ol class="timeline">
      <li>
        <time>${session.started}</time> First
        event${session.entry_path && html`, entry page <span class="path">${session.entry_path}</span>`}
      </li>
      <li>
        <time>${session.ended}</time> Last event after
        ${formatSeconds(session.duration_seconds)}${session.exit_path && html`, last page <span class="path">${session.exit_path}</span>`}
      </li>
      <li>
        <time>${session.updated}</time> Write ${session.version} to ClickHouse,
        ${session.state}${session.end_reason && ` (${session.end_reason})`}
      </li>
      ${live?.nextStepAt && html`<li><time>${live.nextStepAt}</time> Next step, if nothing more arrives</li>`}
    </ol>
    ${
      live !== null
        ? html`<p>
            Temporal: ${live.status}${live.settling ? ', settling after late events' : ''},
            ${live.writes} writes,
            ${live.written ? 'all of it written' : 'some of it not written yet'}.
          </p>`
        : html`<p class="quiet">Not asked in Temporal: ${liveMissing}.</p>`
    }
    ${temporalUrl && html`<p><a href=${temporalUrl} target="_blank" rel="noreferrer">Open in the Temporal UI</a></p>`}
    <h3>What is known</h3>
    <dl>
      ${facts.map(
        ([name, value]) =>
          html`<div key=${name}>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
  `;
}
