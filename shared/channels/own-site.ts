/** Whether two hosts are one site: the same registrable domain, by the public suffix list. */
import { getDomain } from 'tldts';

/**
 * Suffixes that companies let out to others count too: `a.github.io` and `b.github.io` are not one site. Domains that
 * differ in their last two labels cannot be one, and are not looked up.
 */
export function isSameSite(a: string, b: string): boolean {
  if (a === b) return true;
  if (lastTwoLabels(a) !== lastTwoLabels(b)) return false;
  const domain = domainOf(a);
  return domain !== null && domain === domainOf(b);
}

function domainOf(host: string): string | null {
  return getDomain(host, { allowPrivateDomains: true, extractHostname: false, detectIp: true });
}

function lastTwoLabels(host: string): string {
  const last = host.lastIndexOf('.');
  return last < 0 ? host : host.slice(host.lastIndexOf('.', last - 1) + 1);
}
