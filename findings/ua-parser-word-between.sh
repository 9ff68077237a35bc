#!/usr/bin/env bash
# ua-parser-js: a phone becomes a tablet by a browser's name in its agent.
#
# Versions: npm ua-parser-js 1.0.41 (the last under MIT), bowser 2.15.1.
# Expected: an Android agent that says "Mobile" is a phone, whichever browser it is: Chrome has sent
#   the model "K" for all phones since version 110, so the word is all that tells phones from tablets.
# Behaviour: with a word between "Mobile" and "Safari", where several browsers put their name, the
#   phone is a tablet; with the same word behind "Safari" it is none. bowser says phone to all.
# Source: tried. Agents have the browsers' forms, with the versions of one.
# Output seen (ua-parser-js | bowser):
#   Chrome: mobile | mobile
#   Edge, named at the end: mobile | mobile
#   a browser named in between: tablet | mobile
#   DuckDuckGo, named in between: tablet | mobile
#   DuckDuckGo, named at the end: mobile | mobile
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund ua-parser-js@1.0.41 bowser@2.15.1 >/dev/null

cat >look.mjs <<'JS'
import Bowser from 'bowser';
import UAParser from 'ua-parser-js';

/** Prints what was seen, and notes if it is no longer what is described above. */
function look(what, between, behind, described) {
  const agent = `Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile${between} Safari/537.36${behind}`;
  const seen = `${new UAParser(agent).getDevice().type} | ${Bowser.parse(agent).platform.type}`;
  console.log(`${what}: ${seen}`);
  if (seen === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

look('Chrome', '', '', 'mobile | mobile');
look('Edge, named at the end', '', ' EdgA/138.0.0.0', 'mobile | mobile');
look('a browser named in between', ' AvastSecureBrowser/7.5', '', 'tablet | mobile');
look('DuckDuckGo, named in between', ' DuckDuckGo/5', '', 'tablet | mobile');
look('DuckDuckGo, named at the end', '', ' Ddg/138', 'mobile | mobile');
JS
node look.mjs
