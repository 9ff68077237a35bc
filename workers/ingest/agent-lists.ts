/**
 * What is known of user agents by name, where isbot and ua-parser-js know nothing or something
 * else. Facts, gathered from what programs send; `agents.ts` reads them, and `docs/user-agents.md`
 * says what comes of it. In a list of pairs the first that fits counts.
 */

/** One search instead of thirty. */
function any(...patterns: readonly RegExp[]): RegExp {
  return new RegExp(patterns.map(({ source }) => source).join('|'), 'i');
}

/** Programs that no person looks at, and isbot does not know. */
export const MORE_BOTS = any(
  // Libraries and shells that fetch pages, where they say more than name and version.
  /PowerShell\//,
  /^(?:Dart|Ktor|Deno|Bun|Embarcadero|Indy Library|RestSharp|Typhoeus|Mechanize|aria2)\b/,
  // Browsers without a window, and what drives them.
  /\b(?:jsdom|HtmlUnit|SlimerJS|TestCafe|Nightmare|Puppeteer|WebDriver|Splinter|k6)\b/,
  // Assistants that fetch what their user asks for: `Amzn-User/0.1`.
  /\b\w+-User\/\d|\bamazon-kendra\b/,
  // Watching whether a site is up, and how fast it is.
  /\b(?:GTmetrix|YLT|Miniature\.io|yunjiankong|uptime\w*|heartbeat|health-?check\w*)\b/,
  // Looking for holes, or making pictures of pages.
  /\breaver\b|\.env\b|\b(?:nikto|sqlmap|nmap|masscan|zgrab|nuclei)\b/,
  /\b(?:screenshot|thumbnail)/,
);

/** People's programs that isbot marks, because of a word in them. */
export const PEOPLE = any(
  // Television sets list what they can show: `CE-HTML/1.0;`. Google's own are called Google.
  /\bHbbTV\/\d|\bCE-HTML\/|\bNETTV\/|\bSMART-?TV\b|\bWeb0S\b|\bGoogle ?TV\b|\bBRAVIA\b/,
  // Apple's devices without a word of a browser: `AppleTV5,3/9.1`, `Apple-iPad4C7/1201.365`.
  /^(?:iTunes-)?AppleTV|^Apple-(?:iPhone|iPad|iPod)|^Watch\d+,\d|^server-bag \[/,
  // The app of Facebook names the maker of the phone: `FBMF/Google`.
  /\bFB(?:AN|AV|_IAB)\//,
  // The app, which says on which device; without one it is the fetcher of link previews.
  /^WhatsApp\/\S+ .*\bDevice\//,
  /\bSmartNews\b|\bAppleNews\/|\bGoogle Earth\/|\bGmmClient\b/,
  /^YahooMobile|^Snapchat\/\S+ \(|^DuckDuckGo\/\d+ |^ddg_android|^NaverMailApp/,
  // Sogou is a search engine with a spider, and a browser.
  /\bSogou(?:MobileBrowser|MSE|Search)/,
  // A plug-in and shells of Internet Explorer that leave their address.
  /\bchromeframe\b|\bbsalsa\.com\b|\bavantbrowser\.com\b/,
  // Phones of the years before 2010 list their Java. A brand of phones ends in "bot".
  /\bMIDP-\d|\bCUBOT/,
  // Browsers that are old or small.
  /^NetSurf\/|^amaya\/|\bOffByOne\b|^BrowseX\b|\bibisBrowser\b/,
  // Readers of feeds and podcasts that a person holds. Services that fetch for many are bots.
  /^(?:Reeder|ReadKit|Reader Notifier|NetNewsWire|NewsBar|Vienna|FeedDemon|Liferea)\b/,
  /^(?:RSSOwl|RSSRadio|RSS Junkie|QuiteRSS|Downcast|Overcast|AntennaPod|BeyondPod|Podbean)\b/,
  /^(?:Pocket ?Casts|Podcasts|Podcast ?(?:Addict|Republic)|Castro|CastBox|gPodder|Instacast)\b/,
);

/** Words that outweigh `PEOPLE`: a crawler may dress as a television set. */
export const SAYS_BOT =
  /(?<!\bcu)bots?\b|crawl|spider|headless|preview|lighthouse|inspection|agent\b|parser|subscribers/i;

/**
 * Apps that show pages inside themselves, and programs that ua-parser-js takes for another. Only
 * what is common: each is a value that people see in reports.
 */
export const APPS: readonly (readonly [RegExp, string])[] = [
  [/\bFB(?:AN|_IAB)\/(?:Messenger|Orca)/i, 'Messenger'],
  [/\bInstagram[ /]\d/i, 'Instagram'],
  // Its code name.
  [/\b(?:Barcelona|Threads)[ /]\d/i, 'Threads'],
  [/\bFB(?:AN|AV|_IAB)\/|\bMetaIAB Facebook\b/i, 'Facebook'],
  [/\bAppName\/ultralite\b/i, 'TikTok Lite'],
  [/\bmusical_ly|\bAppName\/trill|\btrill_|\bBytedanceWebview|\bTikTok\b/i, 'TikTok'],
  [/\bSnapchat[ /]\d/i, 'Snapchat'],
  [/\bLinkedInApp\b/i, 'LinkedIn'],
  [/\[Pinterest\/|\bPinterest for (?:iOS|Android)/i, 'Pinterest'],
  [/\bTwitter for i(?:Phone|Pad)|\bTwitterAndroid/i, 'Twitter'],
  [/\bReddit(?:\/|Android)/i, 'Reddit'],
  [/^WhatsApp\//i, 'WhatsApp'],
  [/\bwxwork\//i, 'WeCom'],
  [/\bMicroMessenger\//i, 'WeChat'],
  [/\bKAKAOTALK\b/i, 'KakaoTalk'],
  // Before ua-parser-js looks: its pattern for this takes time with the cube of the length.
  [/NAVER\(/i, 'Naver'],
  [/\bLine\/\d/i, 'LINE'],
  [/\bTelegram(?:-Android|-iOS)?[ /]/i, 'Telegram'],
  [/\bViber[ /]\d/i, 'Viber'],
  [/\bZalo[ /]/i, 'Zalo'],
  [/\bWeibo|__weibo__/i, 'Weibo'],
  [/\bAlipayClient\b/i, 'Alipay'],
  [/\bbaiduboxapp\b/i, 'Baidu'],
  [/\bBing(?:Web|Sapphire)\//i, 'Bing Search'],
  [/\bGSA\/\d/i, 'Google Search'],
  [/\bGmmClient\b/i, 'Google Maps'],
  [/\bGoogle Earth\//i, 'Google Earth'],
  [/\bDuckDuckGo\/|\bDdg\/\d/i, 'DuckDuckGo'],
  [/\bYaApp_|\bYaSearch(?:App|Browser)/i, 'Yandex'],
  [/\bSmartNews\b/i, 'SmartNews'],
  [/\bAppleNews\//i, 'Apple News'],
  [/\bFlipboard\b/i, 'Flipboard'],
  [/\bTeams(?:Mobile|\/\d)/i, 'Teams'],
  [/\bSlack(?:_SSB)?\/\d/i, 'Slack'],
  [/\bdiscord\/\d/i, 'Discord'],
  [/\bPostman\/\d/i, 'Postman'],
  [/\bNotion\/\d/i, 'Notion'],
  [/\bFigma\/\d/i, 'Figma'],
  [/\bValve (?:Steam|Client)\b/i, 'Steam'],
  [/\bThunderbird\/\d/i, 'Thunderbird'],
  [/\bMicrosoft Outlook\b/i, 'Outlook'],
  [/\bPhantom\/(?:ios|android)/i, 'Phantom'],
  [/\bBrave\/\d/i, 'Brave'],
  [/\bCCleaner\/\d/i, 'CCleaner'],
  [/\bNorton\/\d/i, 'Norton'],
  [/\bAvira\/\d/i, 'Avira'],
  [/\(Ecosia /i, 'Ecosia'],
  [/\bUC(?:Mobile\/|WEB)/i, 'UC Browser'],
  [/\bM?QQBrowser\b/i, 'QQ Browser'],
  [/\bakregator\//i, 'Akregator'],
  [/^iTunes\b/i, 'iTunes'],
  [/\bchromeframe\b/i, 'Chrome Frame'],
  [/\bOffByOne\b/i, 'Off By One'],
];

/** Our name, and those of ua-parser-js: some vary with the spelling of the agent. */
const SPELLINGS: readonly (readonly string[])[] = [
  ['Chrome', 'Chrome WebView', 'Chrome Headless'],
  ['Safari', 'Mobile Safari'],
  ['Firefox', 'Fennec'],
  ['Edge'],
  ['Opera', 'Opera Mobi', 'Opera Tablet', 'Opera GX', 'Opera Touch', 'Opera Coast'],
  ['Internet Explorer', 'IE', 'IEMobile'],
  ['Firefox Focus', 'Klar'],
  ['Yandex Browser', 'Yandex'],
  ['UC Browser', 'UCBrowser'],
  ['Amazon Silk', 'Silk'],
  ['Electron'],
  ['Chromium'],
  ['Vivaldi'],
];

export const BROWSER_NAMES: ReadonlyMap<string, string> = new Map(
  SPELLINGS.flatMap((names) => names.map((name) => [name.toLowerCase(), names[0] ?? name])),
);

/** What an agent says of its system, before ua-parser-js is asked. */
export const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bWindows ?(?:Phone|Mobile|CE)\b|\bIEMobile\b|\bZuneWP7\b/i, 'Windows Phone'],
  // The models and the browser of Amazon's devices, most of which say Android.
  [/\b(?:Android|Linux; U)\b.*(?:\b(?:AFT|AEO)[A-Z]+\d*\b|\bKF[A-Z]{2,6}\b|\bSilk\/)/i, 'Fire OS'],
  [/\b(?:HarmonyOS|OpenHarmony)\b/i, 'HarmonyOS'],
  [/\bWindows|\bWin(?:32|64|NT|9[58])/i, 'Windows'],
  [/\bApple ?TV|\btvOS\b/i, 'tvOS'],
  [/\bWatch\d+,\d|\bwatchOS\b|\bWatch OS\b/i, 'watchOS'],
  // So named since version 13. No Mac sends the second: an iPad that asks for desktop pages.
  [/\biPad\b.*\bOS (?:1[3-9]|[2-9]\d)[_. ]/i, 'iPadOS'],
  [/\bMacintosh\b.*(?: Mobile\/|\b(?:CriOS|FxiOS|EdgiOS|OPiOS)\/)/i, 'iPadOS'],
  [/(?<!like )\b(?:iPhone|iPad|iPod)|\bApple-i|[(;] ?iOS\b|\biOS\/\d/i, 'iOS'],
  // Some televisions spell it with a zero, so as not to be taken for phones.
  [/\bAndr[o0]id(?!.*\bWeb[0O]S)|\bAdr \d|\bOculusBrowser\b/i, 'Android'],
  [/\bMac(?:intosh|_PowerPC|Book|mini|Pro\d| OS\b)|\biMac\d|\bmacOS\b/i, 'macOS'],
  [/\bDarwin\/.*\b(?:x86_64|i386)\b/i, 'macOS'],
  // An app on an iPhone, an iPad, or a Mac that does not say so: most are on iPhones.
  [/\bCFNetwork\b/i, 'iOS'],
  [/\bCrOS\b/i, 'Chrome OS'],
  [/\bWeb0S\b|\bwebOS\b|\bhpwOS\b/i, 'webOS'],
  [/\bTizen\b/i, 'Tizen'],
  [/\bKAIOS\b/i, 'KaiOS'],
  [/\bPlayStation\b/i, 'PlayStation'],
  [/\bNintendo\b/i, 'Nintendo'],
  [/\bRoku\b/i, 'Roku'],
  [/\bBlackBerry|\bBB10\b|\bRIM Tablet\b/i, 'BlackBerry'],
  [/\bSymb(?:ian|OS)|\bS(?:eries ?)?60/i, 'Symbian'],
  [/\bSailfish\b/i, 'Sailfish'],
  [/\bFuchsia\b/i, 'Fuchsia'],
  // Distributions, too.
  [/\bLinux|\bX11; Ubuntu\b/i, 'Linux'],
];

const DESK_SYSTEMS = [
  ...['AmigaOS', 'MorphOS', 'BeOS', 'Haiku', 'OS/2', 'Solaris', 'UNIX', 'AIX', 'HP-UX'],
  ...['FreeBSD', 'OpenBSD', 'NetBSD', 'DragonFly', 'RISC OS', 'SerenityOS'],
];

/** What is taken from ua-parser-js where none of `SYSTEMS` fits. */
export const OTHER_SYSTEMS: ReadonlySet<string> = new Set([
  ...DESK_SYSTEMS,
  ...['Firefox OS', 'Bada', 'MeeGo', 'Series40', 'QNX'],
]);

/** Systems that run on a desk where nothing says otherwise. */
export const ON_DESKS: ReadonlySet<string> = new Set([
  ...DESK_SYSTEMS,
  ...['Windows', 'macOS', 'Linux', 'Chrome OS'],
]);

/** Devices that are known by a word. */
export const DEVICES: readonly (readonly [RegExp, string])[] = [
  [/\b(?:PlayStation|Nintendo|OUYA|GAMEPAD\d?)\b|\bXBOX(?:_|\b)/i, 'console'],
  [/\bHbbTV\/|\bCE-HTML\/|\bSmart-? ?TV|\bWeb0S\b|\bNetCast\b|\bNETTV\//i, 'tv'],
  [/\bApple ?TV|\btvOS\b|\b(?:Google|Android) ?TV\b|\bCrKey\b|\bRoku\b|\bBRAVIA\b/i, 'tv'],
  [/\bAFT[A-Z]+\d*\b|\bMi(?:TV|BOX)|\bVIDAA\b|\bViera\b|\bDTV\b/i, 'tv'],
  [/\bLarge Screen\b|\bTV Safari\b|\bAndr0id\b/i, 'tv'],
  [/\bWatch\d+,\d|\bwatchOS\b|\bSM-[RL]\d{3}|\bWear ?OS\b/i, 'wearable'],
  [/\b(?:LG|Galaxy|Pixel|Huawei|Moto|Zen|Tic) ?Watch|\bOculus|\bQuest \d/i, 'wearable'],
  // Loudspeakers, cars, things.
  [/\bAEO[A-Z]{2}\b|\bHomePod\b|\bTesla\/|\bQtCarBrowser\b|\bWindows IoT\b/i, 'embedded'],
  [/\biPad|\bPlayBook\b|\bMacintosh\b.*(?: Mobile\/|\b(?:CriOS|FxiOS|EdgiOS|OPiOS)\/)/i, 'tablet'],
  [/(?<!like )\biPhone|\biPod/i, 'mobile'],
];

/** Phones without a system that is known. */
export const PHONES = any(
  /\b(?:Mobile|Phone|MIDP|CLDC|Opera Mini|Opera Mobi|UCWEB|DoCoMo|KAIOS)/,
  /\b(?:BlackBerry|BB10|Series ?[346]0|Symbian|Firefox OS)/,
);
