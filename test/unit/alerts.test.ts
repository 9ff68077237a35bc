/** What the alerts do over time: asked of Prometheus's own promtool, where that is on PATH. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const cases = fileURLToPath(new URL('../support/alerts.yml', import.meta.url));

describe('alerts', () => {
  before('where promtool is installed', function () {
    if (spawnSync('promtool', ['--version']).status === 0) return;
    process.stdout.write('      (skipped: no promtool on PATH)\n');
    this.skip();
  });

  it('come when they should, and do not when a scrape fails', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', cases], {
      encoding: 'utf8',
    });
    expect(status, stdout + stderr).to.equal(0);
  });
});
