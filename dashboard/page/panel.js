// @ts-check
/** A part of the page with a heading of its own, and what stands there when something is wrong. */
import { html } from '/vendor/htm/standalone.module.js';

/** @typedef {{ data: any, isOld: boolean }} Answer */

/**
 * @param {{ id: string, title: string, isStale?: boolean, isComparing?: boolean, answer?: Answer, exports?: { name: string, query: string }, className?: string, children?: any }} props
 */
export function Panel(props) {
  const {
    id,
    title,
    isStale = false,
    isComparing = false,
    answer,
    exports,
    className = '',
    children,
  } = props;
  return html`
    <section
      class="panel ${className} ${isStale ? 'stale' : ''}"
      aria-labelledby=${id}
      aria-busy=${isStale || isComparing ? 'true' : 'false'}
    >
      <div class="head">
        <h2 id=${id}>${title}</h2>
        ${
          exports &&
          html`<span class="exports">
            ${['csv', 'parquet'].map(
              (format) =>
                html`<a
                  key=${format}
                  href="/api/export/${exports.name}.${format}?${exports.query}"
                  download
                  aria-label="${title} as ${format === 'csv' ? 'CSV' : 'Parquet'}"
                  >${format === 'csv' ? 'CSV' : 'Parquet'}</a
                >`,
            )}
          </span>`
        }
      </div>
      ${answer && html`<${Old} answer=${answer} />`} ${children}
    </section>
  `;
}

/** Says of when numbers are that could not be read again. @param {{ answer: Answer }} props */
export function Old({ answer: { data, isOld } }) {
  return isOld
    ? html`<p class="old" role="status">
        Numbers of ${data.clock.slice(11, 16)}: they could not be read again. Trying.
      </p>`
    : null;
}

/** @param {{ error: string, retry: () => void }} props */
export function Trouble({ error, retry }) {
  return html`
    <div class="trouble" role="alert">
      <p>This could not be shown: ${error}.</p>
      <button type="button" onClick=${retry}>Try again</button>
    </div>
  `;
}
