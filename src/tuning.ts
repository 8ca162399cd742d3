/**
 * Every constant that tunes the program, with its reason. Settings of a job or a worker are not here: those are
 * for the people who run them.
 */

// Pages of a run

/** Pages written side by side: while one waits for its last answers the others keep the quota busy. */
export const PAGES_AT_ONCE = 3;
/** A page is about this much work: progress moves, and a pause takes effect, this often. */
export const PAGE_SECONDS = 10;
/** The first page is small, as the rate is not known yet; Lytics returns rows by the hundred. */
export const SMALLEST_PAGE = 100;
/** A larger page gains nothing, and its payload nears the limit. */
export const LARGEST_PAGE = 2_000;
/** What a page of rows may hold: a payload is 2 MiB at most, and sealing adds a third to what it cannot compress. */
export const MOST_ROW_BYTES = 1_000_000;
/** What a page of records may hold before it is sealed. Rows with very many IDs go beyond it; others never do. */
export const MOST_RECORD_BYTES = 1_200_000;
/** A row with more IDs than this is a fault in the data. */
export const MOST_IDS_PER_ROW = 2_000;
/** A page comes from our own history, and is data from outside all the same: it must not fill the memory. */
export const LARGEST_OPENED_PAGE = 64 * 1024 * 1024;

// Scans of an audience

/** So often a page may come again before it counts as the end of a scan. */
export const PAGE_REPEATS = 3;
/** This many pages without identifiable users are read when Lytics reports no total. */
export const BLIND_PAGES = 100;
/** Scans in a row that were cut short and wrote nothing lead nowhere. */
export const FRUITLESS_SCANS = 5;
/** Lytics counts an audience now and scans it then: this share more or less says nothing. */
export const DRIFT = 0.01;
/** Users of an audience whose profiles do not name it, and no user who does: that is not a coincidence. */
export const TELLING_CONTRADICTIONS = 5;
/** The list of audiences is read again after a minute. */
export const CATALOGUE_AGE_MS = 60_000;
/** A name that is not listed may be that of a new audience. */
export const CATALOGUE_AGE_FOR_UNKNOWN_MS = 5_000;
/** Warnings name at most this many audiences that Lytics does not list. */
export const MOST_UNLISTED = 20;

// Users who leave

/** A guard that is a share applies from this many carriers up: half of ten users is not a catastrophe. */
export const GUARDED_CARRIERS = 100;
/** Lytics' own members must be found by the look-ups, but for those who left in the meantime. */
export const PROVEN_SHARE = 0.9;
/** Lytics pages to look through for members with an ID. */
export const SAMPLE_PAGES = 5;
/** Leavers beyond this are searched for again rather than held: a history ends at 50 MB. */
export const MOST_HELD_BYTES = 8_000_000;
/** Leavers that were found longer ago, before an approval, a pause or quiet hours, are compared again. */
export const FRESH_MINUTES = 10;
/** Gigya's search cursor expires five minutes after its last use; the search starts again at most this often. */
export const LEAVER_RESTARTS = 5;
/** Batches of carriers that the audit reads one by one; beyond that Gigya's own count has to do. */
export const MOST_AUDITED_BATCHES = 10;

// Quiet hours

/** So far ahead a run knows its quiet hours; then it asks again. */
export const QUIET_DAYS = 3;

// Continuing as new

/** What a run carries when it continues as new has to fit a payload of 2 MiB. */
export const MOST_CARRIED_BYTES = 1_000_000;
/** What a run carried is stale after this: a reset, or the next night of a cron expression, starts from the beginning. */
export const CARRIED_MINUTES = 15;
/** A cron run cannot continue as new (it would lose its schedule), and a history ends at 51,200 events. */
export const MOST_CRON_EVENTS = 45_000;

// What people see

/** The rate is measured over this time. */
export const RATE_SECONDS = 60;
export const MOST_WARNINGS = 20;
/** Don't report delays shorter than this: each report is a few events of history. */
export const LASTING_TROUBLE_MS = 5_000;
/** A request that is not answered for so long is worth a word, long before it times out. */
export const SILENCE_MS = 10_000;
/** The rate counts as limited until no call was refused for so long. */
export const THROTTLED_MS = 30_000;
export const BETWEEN_REPORTS_MS = 15_000;

// Attempts of activities

/** Heartbeats are a second apart: that is how much work a killed worker repeats. */
export const HEARTBEAT_MS = 1_000;
/** What is left of a time limit for the last requests to come back. */
export const LEASE_MARGIN_MS = 2_000;
/** The Temporal server has this long to answer a heartbeat or a report. */
export const SERVER_PATIENCE_MS = 5_000;
/** A fault that may pass is tried this often, this far apart: the person who has to act learns of it within a minute. */
export const BRIEF_TRIES = 5;
export const BRIEF_DELAY = '10 s';
/** An unexpected error is a fault in this program: after a few tries the run fails visibly. */
export const UNEXPECTED_TRIES = 3;
/** Another worker may have the authorization that this one lacks. */
export const OTHER_WORKER_TRIES = 8;

// Bad records and bad services

/** Records in a row without an answer: the service is at fault, not they. */
export const OUTAGE_RECORDS = 20;
/** After this many attempts a record that alone gets no answer is given up, if others get theirs. */
export const ATTEMPTS_PER_RECORD = 5;
/** One answer may be luck where the service answers now and then: a good record has to pass this often. */
export const CANARY_CALLS = 5;
/** Records to write one by one until a write has been read back. */
export const READ_BACK_TRIES = 10;

// Calls to Lytics

/** Requests in flight. Lytics publishes no limit; its own exports use about as many. */
export const LYTICS_CONNECTIONS = 10;
export const PROFILES_AT_ONCE = 10;
/** Each of them makes Lytics search for a hundred users. */
export const STATEMENTS_AT_ONCE = 5;
/** Pages of one statement: it names a hundred UIDs, and several profiles may share one. */
export const MOST_STATEMENT_PAGES = 10;
/** Lytics names no time with most of its 429. */
export const LONGEST_LYTICS_WAIT_MS = 60_000;

// Calls to either service

/** Retries of a transient fault before the activity is retried: seconds, not minutes. */
export const RETRIES = 3;

// Calls to Gigya

/** The rate recovers without a word from Gigya, so it is reported now and then. */
export const REPORT_RATES_MS = 5_000;
/** Each 403048 cuts the rate to this share. */
export const RATE_DECREASE = 0.7;
/** A hundredth of the ceiling a second: from a tenth of the quota back to all of it in a minute and a half. */
export const RATE_INCREASE_PER_SECOND = 0.01;
/** One call in ten seconds: slow enough for any quota, fast enough to notice that it was raised. */
export const LOWEST_RATE = 0.1;
/** How much of a second's calls may go at once after a pause. */
export const BURST_SECONDS = 0.1;
/** UIDs in the first searches: what SAP's own look-ups ask for. */
export const START_UIDS = 200;
export const START_CHARACTERS = 8_000;
/** SAP's WordPress plugin calls this "tested". */
export const MOST_CHARACTERS = 30_000;
/** 30,000 characters hold about 850 UIDs of Gigya's own making. */
export const MOST_UIDS = 900;
/** What SAP's plugin shrinks a query to on 500001. */
export const SEARCH_SHRINK = 2 / 3;
/** 500001 is a server error as well: a limit learned from it is tried again after this many full queries. */
export const FORGET_LIMIT_AFTER = 100;
/** Below this many UIDs a server error does not come from the length of the query. */
export const SMALLEST_SPLIT = 20;
