// @ts-check
/** The page. The address says what is looked at; each panel asks for its own part of it. */
import { html, render, useCallback, useEffect, useState } from '/vendor/htm/standalone.module.js';
import { hrefOf, queryOf } from './address.js';
import { useAnswer, useCompared } from './api.js';
import { Controls, Top } from './controls.js';
import { formatPeriod } from './format.js';
import { ListPanel, PANELS } from './lists.js';
import { useLive, useRefresh } from './live.js';
import { NowPanel } from './now.js';
import { Cards, ChartPanel } from './overview.js';
import { Trouble } from './panel.js';
import { SessionDialog, SessionPanel } from './sessions.js';

/** The address as state: a change of it is a step back for the browser's button. */
function useAddress() {
  const [text, setText] = useState(location.search);
  useEffect(() => {
    const follow = () => setText(location.search);
    addEventListener('popstate', follow);
    return () => removeEventListener('popstate', follow);
  }, []);
  const go = useCallback((/** @type {URLSearchParams} */ next, replace = false) => {
    history[replace ? 'replaceState' : 'pushState'](null, '', hrefOf(next));
    setText(location.search);
  }, []);
  return { address: new URLSearchParams(text), go };
}

function App() {
  const { address, go } = useAddress();
  const { data, error, retry } = useAnswer('/api/projects');
  const project = address.get('project');

  useEffect(() => {
    if (project !== null || data === undefined) return;
    const first =
      data.projects.find((/** @type {any} */ one) => one.project === lastProject()) ??
      data.projects[0];
    if (first === undefined) return;
    const next = new URLSearchParams(address);
    next.set('project', first.project);
    go(next, true);
  }, [project, data]);

  useEffect(() => {
    if (project !== null) rememberProject(project);
    document.title = project === null ? 'Sojourn' : `${project}: Sojourn`;
  }, [project]);

  if (error !== undefined) return html`<${Frame}><${Trouble} error=${error} retry=${retry} /><//>`;
  if (project === null) {
    return html`<${Frame}
      >${data !== undefined && data.projects.length === 0 && html`<${NoProjects} retry=${retry} />`}<//
    >`;
  }
  return html`
    <${Top}
      projects=${data?.projects ?? []}
      address=${address}
      go=${go}
      hasLogin=${data?.hasLogin ?? false}
    />
    <${Numbers}
      key=${project}
      project=${project}
      settings=${data?.projects.find((/** @type {any} */ one) => one.project === project)}
      address=${address}
      go=${go}
    />
  `;
}

/** @param {{ children?: any }} props */
function Frame({ children }) {
  return html`
    <header class="top"><span class="brand">Sojourn</span></header>
    <main>
      <h1 class="visually-hidden">Numbers</h1>
      ${children}
    </main>
  `;
}

/** @param {{ retry: () => void }} props */
function NoProjects({ retry }) {
  return html`
    <section class="panel">
      <h2>No events yet</h2>
      <p>A project begins with its first event. Publish one, or play a demo:</p>
      <pre tabindex="0">
npx sojourn publish events.ndjson --project shop
npx sojourn up --demo</pre>
      <button type="button" onClick=${retry}>Look again</button>
    </section>
  `;
}

/** @param {{ project: string, settings: any, address: URLSearchParams, go: (next: URLSearchParams) => void }} props */
function Numbers({ project, settings, address, go }) {
  const { now, isConnected, returns } = useLive(project);
  const [showsToday, setShowsToday] = useState(false);
  const refresh = useRefresh(now, showsToday, returns);
  const summary = useCompared('/api/summary', queryOf(address, { unit: undefined }), refresh);
  const head = summary.data;
  useEffect(() => {
    if (head !== undefined)
      setShowsToday(head.current.to >= head.today && head.current.from <= head.today);
  }, [head]);
  // Nobody tells of changes while ClickHouse is away: what is shown of today gets old without being asked for.
  const isOld = summary.isOld || (showsToday && now?.isOld === true && head !== undefined);
  const own = (settings?.dimensions ?? []).map((/** @type {string} */ name) => `dim.${name}`);
  const panels =
    own.length === 0 ? PANELS : [...PANELS, { key: 'own', title: 'Own dimensions', lists: own }];

  return html`
    <main>
      <h1 class="visually-hidden">Numbers of ${project}</h1>
      <${Controls} address=${address} go=${go} head=${head} />
      <p class="when quiet" role="status">${head === undefined ? ' ' : formatPeriod(head)}</p>
      <${Cards} answer=${{ ...summary, isOld }} address=${address} go=${go} />
      <div class="panels">
        <${ChartPanel} address=${address} go=${go} refresh=${refresh} head=${head} />
        <${NowPanel}
          now=${now}
          isConnected=${isConnected}
          audience=${address.get('audience') ?? 'people'}
        />
        ${panels.map(
          (panel) =>
            html`<${ListPanel}
              key=${panel.key}
              panel=${panel}
              address=${address}
              go=${go}
              refresh=${refresh}
            />`,
        )}
        <${SessionPanel} address=${address} go=${go} refresh=${refresh} />
      </div>
      <${SessionDialog} address=${address} go=${go} />
    </main>
    <${About} head=${head} />
  `;
}

/** @param {{ head: any }} props */
function About({ head }) {
  return html`
    <footer id="about" class="quiet">
      <h2>How it is counted</h2>
      <p>
        Days are those of ${head?.timeZone ?? 'the project'}. Visitors of the whole range are
        counted once each; they are no sum of days. Without a filter, page views, conversions and
        revenue count on the day of the event, rates and duration on the day a session was last
        active: the views <code>overview_daily</code> and <code>revenue_daily</code>. With a filter,
        everything counts on the day the session began: the view <code>visits</code>. People are
        everyone less bots. Numbers of today still move.
      </p>
    </footer>
  `;
}

const LAST = 'project';

function lastProject() {
  try {
    return localStorage.getItem(LAST);
  } catch {
    return null;
  }
}

/** @param {string} project */
function rememberProject(project) {
  try {
    localStorage.setItem(LAST, project);
  } catch {
    // No storage is allowed here.
  }
}

const page = document.getElementById('page');
if (page !== null) {
  page.replaceChildren();
  render(html`<${App} />`, page);
}
