/**
 * Which names this server may be called by. A page of somebody else's can have its own name point to
 * 127.0.0.1 (DNS rebinding) and then read what is served here, as if it were its own; the browser still
 * sends that name. An address in numbers has no name that could be turned.
 */
import { isIP } from 'node:net';

/** @param publicUrl where people find the page, if they have a name for it */
export function createHostCheck(
  publicUrl: string | undefined,
): (header: string | undefined) => boolean {
  const publicHost = publicUrl === undefined ? undefined : hostOf(new URL(publicUrl).host);
  return (header) => {
    if (header === undefined) return false;
    const host = hostOf(header);
    return host !== undefined && (isLocalName(host) || isIP(host) !== 0 || host === publicHost);
  };
}

function isLocalName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

/** Without port and brackets, in lower case; undefined for what is no host. */
function hostOf(header: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]/@]+))(?::\d{1,5})?$/i.exec(header);
  return (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, '');
}

/** Whether only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whether an address is one of this machine's own. */
export function isLocalUrl(url: string): boolean {
  const host = hostOf(new URL(url).host);
  return host !== undefined && (isLocalName(host) || isLoopback(host));
}
