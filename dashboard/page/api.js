// @ts-check
/** Asking the server, and what a component sees of it. */
import { useEffect, useRef, useState } from '/vendor/htm/standalone.module.js';

/**
 * @param {string} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function ask(url, signal) {
  const response = await fetch(url, {
    ...(signal && { signal }),
    headers: { accept: 'application/json' },
  });
  if (response.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    throw new Error('the login has run out');
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `the server answered ${response.status}`);
  return answer;
}

/**
 * An answer that is compared with another time: without it first, so that what was asked for is there as soon as it can
 * be; `isComparing` until the other is there as well. (The server remembers the first half when it is asked for both.)
 * @param {string} path
 * @param {string} query
 * @param {number} refresh
 */
export function useCompared(path, query, refresh) {
  const alone = new URLSearchParams(query);
  const isCompared = alone.get('compare') !== 'none';
  alone.set('compare', 'none');
  const first = useAnswer(`${path}?${alone}`, refresh);
  const isThere = first.data !== undefined && !first.isStale;
  const both = useAnswer(isCompared && isThere ? `${path}?${query}` : undefined, refresh);
  const hasBoth = isCompared && both.data !== undefined && !both.isStale;
  const isComparing = isCompared && isThere && !hasBoth && both.error === undefined;
  return { ...(hasBoth ? both : first), isComparing };
}

/**
 * An answer, and how it is going. What was there stays until the new one is: `isStale` says so.
 * @param {string | undefined} url undefined: nothing is asked
 * @param {number} [refresh] another number asks again
 * @returns {{ data: any, error: string | undefined, isLoading: boolean, isStale: boolean, retry: () => void }}
 */
export function useAnswer(url, refresh = 0) {
  const [state, setState] = useState(
    /** @type {any} */ ({ url: undefined, data: undefined, error: undefined }),
  );
  const [tries, setTries] = useState(0);
  const [isAsking, setAsking] = useState(true);
  const latest = useRef(url);
  latest.current = url;

  useEffect(() => {
    if (url === undefined) return undefined;
    const leaving = new AbortController();
    setAsking(true);
    ask(url, leaving.signal)
      .then((data) => ({ url, data, error: undefined }))
      .catch((error) => ({ url, data: undefined, error: String(error.message ?? error) }))
      .then((next) => {
        if (leaving.signal.aborted) return;
        setAsking(false);
        // A refresh that fails leaves what is there: it is not wrong, only older.
        setState((/** @type {any} */ before) =>
          next.error !== undefined && before.url === url && before.data !== undefined
            ? before
            : next,
        );
      });
    return () => {
      leaving.abort();
    };
  }, [url, refresh, tries]);

  const isOf = state.url === url;
  return {
    data: state.data,
    error: isOf ? state.error : undefined,
    isLoading: state.data === undefined && (!isOf || state.error === undefined),
    isStale: !isOf || (isAsking && state.data === undefined),
    retry: () => {
      setState((/** @type {any} */ before) => ({ ...before, url: undefined }));
      setTries((/** @type {number} */ before) => before + 1);
    },
  };
}
