import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { silentLog } from '../../platform/log.ts';
import { PROJECTS_TABLE } from '../../platform/project-rows.ts';
import { hasWideGrant, WRITER_TABLES, writerGrants } from '../../platform/writer-rights.ts';
import { toError } from '../../shared/errors.ts';
import { answeredAdmin, refusal } from '../support/answered-admin.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the rights of the writer', () => {
  it('are for the tables that the code inserts into as the writer, and for no other', () => {
    const sources = ['activities', 'bulk', 'imports', 'platform'].flatMap((folder) =>
      readdirSync(join(root, folder))
        .filter((name) => name.endsWith('.ts'))
        .map((name) => readFileSync(join(root, folder, name), 'utf8')),
    );
    const named = sources.flatMap((source) =>
      [...source.matchAll(/\.insert\(\s*'(\w+)'/g)].map(([, table]) => table),
    );

    // The row of a project has an insert of its own.
    const all = new Set([...named, PROJECTS_TABLE.replace('sojourn.', '')]);
    expect([...all]).to.have.members([...WRITER_TABLES]);
  });

  it('name each table, and the page about security does', () => {
    const page = readFileSync(join(root, 'docs/security.md'), 'utf8');
    for (const table of WRITER_TABLES) expect(page).to.contain(`\`${table}\``);
    for (const grant of writerGrants()) {
      expect(grant).to.match(/^(INSERT ON sojourn\.\w+|SHOW TABLES ON sojourn\.\w+_intake)$/);
    }
  });

  it('are looked at before those of before are taken; where nobody may look, that is said', async () => {
    const warned: unknown[] = [];
    const log = Object.assign(Object.create(silentLog) as typeof silentLog, {
      warn: (said: unknown) => warned.push(said),
    });

    expect(
      await hasWideGrant(
        answeredAdmin(() => [{ has: 1 }]),
        'w',
        log,
      ),
    ).to.equal(true);
    expect(
      await hasWideGrant(
        answeredAdmin(() => [{ has: 0 }]),
        'w',
        log,
      ),
    ).to.equal(false);
    expect(warned).to.deep.equal([]);
    expect(await hasWideGrant(answeredAdmin(refusal('497')), 'w', log)).to.equal(false);
    expect(warned).to.deep.equal([{ user: 'w' }]);
    const other = await hasWideGrant(answeredAdmin(refusal('241')), 'w', log).catch(toError);
    expect(other).to.have.property('code', 'SJ_SERVER_UNREACHABLE');
  });
});
