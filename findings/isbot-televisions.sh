#!/usr/bin/env bash
# isbot: whether a television, or an app's reader, is a bot depends on one word of its agent.
#
# Versions: npm isbot 5.2.3.
# Expected: televisions with HbbTV and pages that are opened inside an app are people, as the same
#   browser without the vendor's words is.
# Behaviour: a television whose agent ends in the name of its page format with a version (which the
#   standard for hybrid television has had vendors write) is a bot; one without is none. Facebook's
#   app is a person on a phone of one maker and a bot on one of another, whose name is in the field
#   for the maker; a news reader whose name ends in "News" is a bot.
# Source: tried. Agents have the vendors' forms; model numbers and versions are made up.
# Output seen:
#   a television: person
#   the same with its page format: bot
#   Facebook's app on a Samsung: person
#   Facebook's app on a Google phone: bot
#   the browser of an Android phone: person
#   the same inside a news reader: bot
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund isbot@5.2.3 >/dev/null

cat >look.mjs <<'JS'
import { isbot } from 'isbot';

/** Prints what was seen, and notes if it is no longer what is described above. */
function look(what, agent, described) {
  const seen = isbot(agent) ? 'bot' : 'person';
  console.log(`${what}: ${seen}`);
  if (seen === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

const tv =
  'Mozilla/5.0 (Linux; Tizen 2.3) AppleWebKit/538.1 (KHTML, like Gecko) SamsungBrowser/1.0 TV Safari/538.1 HbbTV/1.2.1 (+DRM;Samsung;SmartTV2015;T-HKM6DEUC-1000.0;;)';
look('a television', tv, 'person');
look('the same with its page format', `${tv} CE-HTML/1.0;`, 'bot');

const android = (model) =>
  `Mozilla/5.0 (Linux; Android 14; ${model}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/138.0.0.0 Mobile Safari/537.36`;
const facebook = (model, maker) =>
  `${android(model)} [FBAN/FB4A;FBAV/470.0.0.1;FBBV/1;FBDM/{density=2.6};FBLC/de_DE;FBMF/${maker};FBBD/${maker};FBPN/com.facebook.katana;FBDV/${model};FBSV/14;]`;
look("Facebook's app on a Samsung", facebook('SM-S911B', 'samsung'), 'person');
look("Facebook's app on a Google phone", facebook('Pixel 8', 'Google'), 'bot');

look('the browser of an Android phone', android('SM-S911B'), 'person');
look('the same inside a news reader', `${android('SM-S911B')} SmartNews/21.3`, 'bot');
JS
node look.mjs
