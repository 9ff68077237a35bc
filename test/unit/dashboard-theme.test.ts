/** The two palettes of the page: each is stated once, and both name the same colours. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';

const css = readFileSync(new URL('../../dashboard/page/page.css', import.meta.url), 'utf8');

/** Custom properties that a rule sets, with their values, in order of the file. */
const paletteOf = (rule: string) =>
  [...rule.matchAll(/^\s+(--[\w-]+): ([^;]+);$/gm)].map(([, name = '', value = '']) => ({
    name,
    value,
  }));

describe('the colours of the page', () => {
  const rules = [...css.matchAll(/:root([^{]*)\{([^}]*)\}/g)].map(
    ([, selector = '', body = '']) => ({
      selector: selector.trim(),
      palette: paletteOf(body),
    }),
  );

  it('are stated once for the light and once for the dark', () => {
    expect(rules.map(({ selector }) => selector)).to.deep.equal(['', "[data-theme='dark']"]);
  });

  it('have the same names in both, and none is missing where it is used', () => {
    const [light = [], dark = []] = rules.map(({ palette }) => palette.map(({ name }) => name));
    const used = [...css.matchAll(/var\((--[\w-]+)\)/g)].map(([, name]) => name);

    expect(light.length).to.be.above(10);
    expect(dark).to.deep.equal(light);
    expect(light).to.include.members(used);
  });
});
