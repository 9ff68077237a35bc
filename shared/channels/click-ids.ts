/**
 * Parameters that advertising networks add to the links they send people over, and whose they are. The first of this
 * table that a URL has counts. Others (`srsltid`, `mc_cid`, `_kx`, …) say nothing about where somebody came from.
 */
export interface ClickId {
  /** A source of the tables. */
  readonly source: string;
  /** Whether the click has been paid for. Meta marks every link, paid or not. */
  readonly paid: boolean;
}

export const CLICK_IDS: Readonly<Record<string, ClickId>> = {
  gclid: { source: 'google', paid: true },
  gbraid: { source: 'google', paid: true },
  wbraid: { source: 'google', paid: true },
  dclid: { source: 'google', paid: true },
  gad_source: { source: 'google', paid: true },
  msclkid: { source: 'bing', paid: true },
  ttclid: { source: 'tiktok', paid: true },
  twclid: { source: 'x', paid: true },
  li_fat_id: { source: 'linkedin', paid: true },
  rdt_cid: { source: 'reddit', paid: true },
  epik: { source: 'pinterest', paid: true },
  yclid: { source: 'yandex', paid: true },
  fbclid: { source: 'meta', paid: false },
};

/**
 * Every link on these carries `fbclid`: there the referrer says which of them it was, and is not taken for "Meta".
 */
export const META_SOURCES: ReadonlySet<string> = new Set([
  'Facebook',
  'Instagram',
  'Messenger',
  'Threads',
  'WhatsApp',
]);
