/** The channels, by the names that people read; `docs/channels.md` says what each is. */
export const CHANNELS = [
  'Direct',
  'Organic Search',
  'Paid Search',
  'Organic Social',
  'Paid Social',
  'Organic Video',
  'Paid Video',
  'Organic Shopping',
  'Paid Shopping',
  'Paid Other',
  'Display',
  'Email',
  'Affiliates',
  'Referral',
  'AI Assistants',
  'SMS',
  'Mobile Push',
  'Audio',
  'Cross-network',
] as const;
export type Channel = (typeof CHANNELS)[number];

/**
 * The name of a session's channel. A session without one is direct: the state keeps nothing for it, since a kept
 * "direct" of an early event would hide the source of a later one.
 */
export function channelName(channel: string | undefined): string {
  return channel === undefined || channel === '' ? 'Direct' : channel;
}
