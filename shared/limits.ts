/** Every bound of the system, with its reason. */

/** CONTRACT, section 1: one event. */
export const EVENT_BYTES_MAX = 64 * 1024;
/** CONTRACT, section 1: an array of events; also the default largest message of a NATS server. */
export const MESSAGE_BYTES_MAX = 1024 * 1024;
/** CONTRACT, section 1: what a message may bring in headers beside. */
export const MESSAGE_HEADERS_BYTES_MAX = 16 * 1024;
/** What a dead letter may have more than its message: reason, subject (a line of the protocol has 4 KiB), id. */
export const LETTER_HEADERS_BYTES_MAX = 8 * 1024;
/** The least limit of all that EVENTS holds: room is made in steps of a tenth, and each is to hold a largest message. */
export const EVENTS_BYTES_LEAST = 16 * 1024 * 1024;
/** CONTRACT, section 1: in characters. */
export const EVENT_TYPE_CHARS_MAX = 64;
/** CONTRACT, section 1: how deep an event is nested, itself counted. */
export const EVENT_DEPTH_MAX = 64;
/** Of an id that an event brings. */
export const EVENT_ID_CHARS_MAX = 128;
export const SESSION_ID_CHARS_MAX = 128;
/** Of `userId` and `visitorId`. */
export const PERSON_ID_CHARS_MAX = 256;
/** An id in a header: as long as one in an event, and the index of its element behind it. */
export const HEADER_ID_CHARS_MAX = EVENT_ID_CHARS_MAX + '#999'.length;
/** CONTRACT, section 1: a smaller number is a time in seconds (in milliseconds it were March 1973). */
export const TIMESTAMP_MIN = 100_000_000_000;
export const EVENTS_PER_MESSAGE_MAX = 1_000;
/** A producer's clock may be ahead by this much. */
export const FUTURE_MS_MAX = 24 * 60 * 60 * 1_000;
/** A property's text is cut after this many characters. */
export const PROPERTY_CHARS_MAX = 1_024;

/** Currencies that a session keeps apart, and how long the name of one may be; the rest is one sum. */
export const CURRENCIES_MAX = 32;
export const CURRENCY_CHARS_MAX = 16;
/** Dimensions that a project may declare. */
export const DECLARED_DIMENSIONS_MAX = 16;
/** Keys by which trackers name a project: one a tracker and site, so few are needed. */
export const COLLECT_KEYS_MAX = 100;
/** Hosts that a project may call its own: each is compared with its subdomains, so few are needed. */
export const OWN_HOSTS_MAX = 100;

/**
 * Event ids a session remembers for sure. Beyond it, ids that JetStream can no longer redeliver
 * (at or below the consumer's ack floor) are forgotten: a week-long bot must not grow for ever.
 */
export const EVENT_IDS_MAX = 10_000;
/**
 * Ids a session remembers at all. One message that nobody can deliver holds the ack floor for minutes, and a
 * session must not grow for as long: of more ids than this the oldest go.
 */
export const EVENT_IDS_KEPT_MAX = 15_000;
/** Ids longer than this are remembered by their hash, so that 10,000 of them fit a 2 MiB payload. */
export const EVENT_ID_KEPT_CHARS_MAX = 40;

/**
 * One message to a session. Temporal refuses payloads over 2 MiB and advises far less; a workflow
 * task must fold everything it gets well below its deadlock limit of a second.
 */
export const BATCH_EVENTS_MAX = 500;
export const BATCH_BYTES_MAX = 256 * 1024;

/** Temporal refuses the 10,000th signal of a run; well before that the session continues as new. */
export const SIGNALS_PER_RUN_MAX = 2_000;

/** One record of the rollup log: far below 1 MiB, so that a reader can hold many. */
export const ROLLUP_ROWS_MAX = 1_000;
export const ROLLUP_BYTES_MAX = 256 * 1024;
/** A session that owes more rows than this writes them without waiting for its checkpoint. */
export const OWED_ROWS_MAX = 1_000;

/** And one that owes rows of more bytes than this: they are what a session keeps of its events until they are written. */
export const OWED_BYTES_MAX = 192 * 1024;
/** What may be owed by a session that goes on in a new run: what makes it write, and a batch or two that came meanwhile. */
export const TRAVELLING_ROWS_MAX = 3 * OWED_ROWS_MAX;
export const TRAVELLING_BYTES_MAX = 3 * OWED_BYTES_MAX;
/** A session that continues as new with more rows than this writes first: its argument stays small. */
export const CARRIED_ROWS_MAX = 200;
/** A reopened session writes at once when its events, kept until a write proves its state, take more than this. */
export const UNPROVEN_BYTES_MAX = 128 * 1024;
export const UNPROVEN_EVENTS_MAX = 500;
/**
 * Results of writes in one workflow task: the server takes 4 MiB at once, and 50 MiB of history in a run. After the
 * former the task ends, after the latter the run.
 */
export const TASK_RESULT_BYTES_MAX = 1024 * 1024;
export const RUN_RESULT_BYTES_MAX = 4 * 1024 * 1024;

/**
 * What a session keeps, as its snapshot. The server refuses payloads over 2 MiB, and a snapshot travels with a batch.
 * It follows from the other bounds: 15,000 ids of 31 bytes, 20,500 days of 8, attributes and paths of 6 KiB each,
 * rows that are owed.
 */
export const SNAPSHOT_BYTES_MAX = 1280 * 1024;

/** What operators have asked of a session, the latest of it: 8 KiB at the most, and nothing where nobody has. */
export const ACTS_KEPT_MAX = 5;
export const ACT_WHO_CHARS_MAX = 100;
export const ACT_REASON_CHARS_MAX = 300;

/** One range of the rollup log, loaded as one block: enough to amortise an insert (DESIGN, Loader). */
export const RANGE_ROLLUPS_MAX = 10_000;
export const RANGE_BYTES_MAX = 32 * 1024 * 1024;
/**
 * Ranges after which the loader continues as new: some eight minutes of busy ones, so that its runs do not fill the list of
 * workflows. Its history stays below 4,000 events, and is replayed within a second.
 */
export const RANGES_PER_RUN_MAX = 500;

/**
 * Values of a dimension that have rows of their own, a project and day, where nothing else is set: far more than anybody
 * reads, and few enough that those of a day are in memory while it is loaded. The greatest that may be set is what
 * ClickHouse and a loader can have of one set, at a kilobyte a value.
 */
export const DIMENSION_VALUES_DEFAULT = 10_000;
export const DIMENSION_VALUES_MAX = 100_000;
/** What a loader remembers of values that are loaded; what it does not, it reads. */
export const KNOWN_VALUES_BYTES_MAX = 64 * 1024 * 1024;
/** One chunk of a load in bulk: enough to amortise its inserts, and some 30 MiB while it is folded. */
export const BULK_SESSIONS_MAX = 1_000;
export const BULK_EVENTS_MAX = 20_000;
/** The same of an import, which folds in threads: so many sessions, and ten times as many events, 100 MiB or so. */
export const IMPORT_CHUNK_SESSIONS_DEFAULT = 10_000;
export const IMPORT_CHUNK_SESSIONS_MAX = 20_000;

/**
 * NATS makes other times of this one and later ones, epoch milliseconds: nanoseconds since 1970 pass the end of 64 bits, so
 * what is to begin in the year 2999 begins with the first message. Times before 1678 likewise.
 */
export const NATS_TIME_END = Date.UTC(2262, 3, 11);

/** One message to subscribers: well below the default largest message of a NATS server, 1 MiB. */
export const ANNOUNCED_BYTES_MAX = 512 * 1024;

/** What ingest holds in memory, and so what JetStream lets it hold unacknowledged. */
export const HELD_MESSAGES_MAX = 20_000;
export const HELD_BYTES_MAX = 64 * 1024 * 1024;
/** And of one session that does not take its events: others overtake the rest. */
export const FAILING_SESSION_HELD_MAX = 1_000;
/** And of messages of which it is not known yet whether they are within the quota of their project. */
export const UNJUDGED_MAX = 1_000;
export const UNJUDGED_BYTES_MAX = 16 * 1024 * 1024;
/** What ingest holds beside, of other projects than those that fill the queue. */
export const OVERTAKING_MESSAGES_MAX = 4_000;
export const OVERTAKING_BYTES_MAX = 16 * 1024 * 1024;
/** And of one project: a share, so that none takes the place of the others. */
export const OVERTAKING_PER_PROJECT_MAX = 500;
/** Messages that were delivered out of turn, by sequence, until their turn comes. */
export const OVERTAKEN_MAX = 200_000;

/** Traces that go along with a delivery to a session, and with a record of the rollup log; more are counted. */
export const WRITE_TRACES_MAX = 8;
/** And of a range that is loaded: one span, and one link, each. */
export const LOAD_TRACES_MAX = 64;
