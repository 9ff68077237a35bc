import { readFileSync } from 'node:fs';
import { expect } from 'chai';

interface Entry {
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly link?: boolean;
}

/**
 * The engine of ClickHouse for other systems than Linux on x64, optional: its publisher's registry entries cannot be
 * seen from where the lock file was made, so npm notes what it gets there the first time.
 */
const UNSEEN = /^node_modules\/@chdb\/lib-(darwin-arm64|darwin-x64|linux-arm64-gnu)$/;

describe('the lock file', () => {
  it('has a checksum for every package', () => {
    const { packages } = JSON.parse(
      readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
    ) as { packages: Record<string, Entry> };

    const without = Object.entries(packages)
      .filter(([path, { integrity, link }]) => path !== '' && integrity === undefined && !link)
      .filter(([path, { optional }]) => !(UNSEEN.test(path) && optional))
      .map(([path]) => path);

    expect(without).to.deep.equal([]);
  });
});
