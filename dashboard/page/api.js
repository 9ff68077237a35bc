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
 * be; `isComparing` until the other is there as well, `isUncompared` where it cannot be had. (The server remembers the
 * first half when it is asked for both.)
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
  const both = useAnswer(isCompared && isThere ? `${path}?${query}` : undefined, refresh, true);
  const hasBoth = isCompared && both.data !== undefined && !both.isStale;
  const isWaiting = isCompared && isThere && !hasBoth;
  return {
    ...(hasBoth ? both : first),
    isComparing: isWaiting && both.error === undefined,
    isUncompared: isWaiting && both.error !== undefined,
  };
}

/** What could not be had is asked for again, where nobody sees a button for it. */
const AGAIN_MS = 10_000;

/**
 * An answer, and how it is going. What was there stays until the new one is: `isStale` says that it is of another
 * question, `isOld` that it could not be read again.
 * @param {string | undefined} url undefined: nothing is asked
 * @param {number} [refresh] another number asks again
 * @param {boolean} [isOptional] nobody is shown that it failed: it is tried again by itself
 * @returns {{ data: any, error: string | undefined, isLoading: boolean, isStale: boolean, isOld: boolean, retry: () => void }}
 */
export function useAnswer(url, refresh = 0, isOptional = false) {
  const [state, setState] = useState(
    /** @type {any} */ ({ url: undefined, data: undefined, error: undefined, failures: 0 }),
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
        setState((/** @type {any} */ before) => afterAnswer(before, next));
      });
    return () => {
      leaving.abort();
    };
  }, [url, refresh, tries]);

  const isOf = state.url === url;
  const isOld = isOf && state.data !== undefined && state.failures > 0;
  useEffect(() => {
    if (!isOld && !(isOptional && isOf && state.failures > 0)) return undefined;
    const again = setTimeout(() => setTries((before) => before + 1), AGAIN_MS);
    return () => {
      clearTimeout(again);
    };
  }, [isOld, isOf, state.failures]);

  return {
    data: state.data,
    error: isOf ? state.error : undefined,
    isLoading: state.data === undefined && (!isOf || state.error === undefined),
    isStale: !isOf || (isAsking && state.data === undefined),
    isOld,
    retry: () => {
      setState((/** @type {any} */ before) => ({ ...before, url: undefined }));
      setTries((/** @type {number} */ before) => before + 1);
    },
  };
}

/** A refresh that fails leaves what is there: it is not wrong, only older, and `failures` tells. @param {any} before @param {any} next */
function afterAnswer(before, next) {
  if (next.error === undefined) return { ...next, failures: 0 };
  const failures = before.url === next.url ? before.failures + 1 : 1;
  return before.url === next.url && before.data !== undefined
    ? { ...before, failures }
    : { ...next, failures };
}
