#!/usr/bin/env bash
# Node: the list of country names, read backwards, says FX for France, SU for Russia and UK for the United Kingdom.
#
# Versions: Node 20.20.2 (ICU 78.2, CLDR 48).
# Expected: with `fallback: 'none'` Intl.DisplayNames has a name for the codes of regions that exist, and
#   each name once, so that a table from names to codes (analytics exports hold names: "France") can be made by
#   going through AA to ZZ.
# Behaviour: codes that were withdrawn have the name of the country that came after (SU is Russia, YU and CS are
#   Serbia, DD is Germany, FX is France), and so has UK, which was only ever reserved: 15 names have two or three codes. The
#   later in the alphabet wins, so that Germany is right by chance and France is wrong. Nothing that Intl says tells
#   them from the others. A loop that takes the first code of a name has Curaçao, Serbia and Myanmar wrong instead.
# Source: tried. The names are CLDR's, where such codes are aliases.
# Output seen:
#   names of more than one code: 15
#   France, the last code that has this name: FX
#   United Kingdom, the last: UK
#   Russia, the last: SU
#   Serbia, the last: YU
#   Germany, the last: DE
#   Serbia, the first: CS
#   Curaçao, the first: AN
#   Myanmar (Burma), the first: BU
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

cat >look.mjs <<'JS'
/** Prints what was seen, and notes if it is no longer what is described above. */
function look(what, seen, described) {
  console.log(`${what}: ${seen}`);
  if (seen === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const codes = new Map();
for (const code of letters.flatMap((first) => letters.map((second) => first + second))) {
  const name = names.of(code);
  if (name !== undefined) codes.set(name, [...(codes.get(name) ?? []), code]);
}

look('names of more than one code', [...codes.values()].filter((all) => all.length > 1).length, 15);
look('France, the last code that has this name', codes.get('France').at(-1), 'FX');
look('United Kingdom, the last', codes.get('United Kingdom').at(-1), 'UK');
look('Russia, the last', codes.get('Russia').at(-1), 'SU');
look('Serbia, the last', codes.get('Serbia').at(-1), 'YU');
look('Germany, the last', codes.get('Germany').at(-1), 'DE');
look('Serbia, the first', codes.get('Serbia').at(0), 'CS');
look('Curaçao, the first', codes.get('Curaçao').at(0), 'AN');
look('Myanmar (Burma), the first', codes.get('Myanmar (Burma)').at(0), 'BU');
JS
node look.mjs
