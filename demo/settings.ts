/** Project `demo`, and what is set for it where nobody has set anything: so that its days are not those of UTC. */
import { DEFAULT_SETTINGS, type ProjectSettings } from '../shared/project.ts';
import { changeSettings, type SettingsChange } from '../shared/project-change.ts';
import { Fault } from '../shared/fault.ts';
import type { Zones } from '../shared/zones/index.ts';
import { PAYMENTS_HOST } from './visit.ts';

export const DEMO_PROJECT = 'demo';
/** By which trackers name it; for whoever is on this machine. */
export const DEMO_KEY = 'demo';

export const DEMO_CHANGE: SettingsChange = {
  timeZone: 'Europe/Berlin',
  week: 'monday',
  currency: 'EUR',
  ownHosts: [{ add: PAYMENTS_HOST }],
  dimensions: [{ add: 'checkout=properties.checkout' }],
  collectKeys: [{ add: DEMO_KEY }],
};

/** By which the past is read, whatever is set by then: a chunk that comes again must say the same. */
export function demoSettings({ isZone }: Zones): ProjectSettings {
  const settings = changeSettings(DEFAULT_SETTINGS, DEMO_CHANGE, isZone);
  if (settings instanceof Fault) throw new RangeError(settings.reason);
  return settings;
}
