#!/usr/bin/env bash
# isbot: one mobile app is a bot on Android and a person on iOS.
#
# Versions: npm isbot 5.2.3.
# Expected: requests that an app makes by its platform's own HTTP client get one verdict on all
#   platforms: a bot (no browser) or not (a person with a phone).
# Behaviour: what okhttp sends, as a React Native or Kotlin app on Android does unless told
#   otherwise, is a bot; what the same app sends on iOS (CFNetwork), what Flutter sends (dart:io)
#   and what Android's older client sends (Dalvik) is not. Filtering an app's events by it removes
#   those on Android and no iPhone. The SDKs that name themselves are bots on both.
# Source: tried. The agents are the platforms' forms with a made-up app.
# Output seen:
#   Android, okhttp: bot
#   Android, okhttp with the app named: bot
#   Android, Dalvik: person
#   iOS, CFNetwork: person
#   iOS, Alamofire: person
#   either, Flutter: person
#   either, Ktor: bot
#   an SDK on Android: bot
#   an SDK on iOS: bot
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
function look(what, seen, described) {
  console.log(`${what}: ${seen}`);
  if (seen === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

const agents = [
  ['Android, okhttp', 'okhttp/4.12.0', 'bot'],
  ['Android, okhttp with the app named', 'Shop/3.2.1 okhttp/4.12.0', 'bot'],
  ['Android, Dalvik', 'Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/AP2A.240805.005)', 'person'],
  ['iOS, CFNetwork', 'Shop/42 CFNetwork/1568.200.51 Darwin/24.1.0', 'person'],
  ['iOS, Alamofire', 'Shop/3.2 (com.example.shop; build:42; iOS 18.1.0) Alamofire/5.9.1', 'person'],
  ['either, Flutter', 'Dart/3.5 (dart:io)', 'person'],
  ['either, Ktor', 'ktor-client', 'bot'],
  ['an SDK on Android', 'posthog-android/3.9.0', 'bot'],
  ['an SDK on iOS', 'posthog-ios/3.15.0', 'bot'],
];
for (const [what, agent, described] of agents) look(what, isbot(agent) ? 'bot' : 'person', described);
JS
node look.mjs
