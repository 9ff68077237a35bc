// @ts-check
/** Who is there now: server-sent events. The browser connects again by itself; a hidden page does not listen. */
import { useEffect, useRef, useState } from '/vendor/htm/standalone.module.js';

/**
 * @param {string | undefined} project
 * @returns {{ now: any, isConnected: boolean, returns: number }} `returns`: how often the page came back from being hidden, or its numbers from being old
 */
export function useLive(project) {
  const [now, setNow] = useState(/** @type {any} */ (undefined));
  const [isConnected, setConnected] = useState(false);
  const [returns, setReturns] = useState(0);

  useEffect(() => {
    setNow(undefined);
    if (project === undefined) return undefined;
    /** @type {EventSource | undefined} */
    let source;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let again;
    // Nothing has come, or what has come is old: what has changed meanwhile, nobody has told.
    let isAway = false;
    const comeBack = () => setReturns((count) => count + 1);
    const open = () => {
      if (source !== undefined || document.hidden) return;
      source = new EventSource(`/api/live?project=${encodeURIComponent(project)}`);
      source.addEventListener('now', (event) => {
        const next = JSON.parse(event.data);
        setConnected(true);
        setNow(next);
        if (isAway && !next.isOld) comeBack();
        isAway = next.isOld;
      });
      source.addEventListener('error', () => {
        setConnected(false);
        isAway = true;
        // Refused, with a status: it is not tried again by itself.
        if (source?.readyState === EventSource.CLOSED) {
          close();
          again = setTimeout(open, 10_000);
        }
      });
    };
    const close = () => {
      source?.close();
      source = undefined;
    };
    const follow = () => {
      if (document.hidden) {
        close();
      } else {
        open();
        comeBack();
      }
    };
    open();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      clearTimeout(again);
      close();
    };
  }, [project]);

  return { now, isConnected, returns };
}

/** Numbers are asked for again at most this often: a year's are work for the server. */
const REFRESH_MS_MIN = 10_000;
/** The server gives an answer again for a second. */
const SETTLE_MS = 1_500;

/**
 * Grows when the numbers of the page have changed, or may have while nobody listened, not too often, and only where the
 * page shows today.
 * @param {any} now
 * @param {boolean} showsToday
 * @param {number} returns as {@link useLive} counts them
 * @returns {number}
 */
export function useRefresh(now, showsToday, returns) {
  const [refresh, setRefresh] = useState(0);
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  const last = useRef(0);
  const changes = now?.changes;

  useEffect(() => {
    const mayHaveChanged = (changes ?? 0) > 0 || returns > 0;
    if (!mayHaveChanged || !showsToday || timer.current !== undefined) return;
    // One refresh for many changes, each within a known time.
    const waitMs = Math.max(SETTLE_MS, last.current + REFRESH_MS_MIN - Date.now());
    timer.current = setTimeout(() => {
      timer.current = undefined;
      last.current = Date.now();
      setRefresh(last.current);
    }, waitMs);
  }, [changes, showsToday, returns]);

  useEffect(
    () => () => {
      clearTimeout(timer.current);
    },
    [],
  );
  return refresh;
}
