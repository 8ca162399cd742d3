/**
 * Every tuning constant, with its reason. Settings of a job or a worker are not here: people change those.
 */

// Pages of a run

/** Pages written concurrently: one that uses the quota, and one that takes over when it has no more users to write. */
export const PAGES_AT_ONCE = 2;
/**
 * How long a page should use the quota. Both pages together take ten seconds, so progress is updated and a pause takes
 * effect within that time.
 */
export const PAGE_SECONDS = 5;
/** The first page is small, since the rate is not yet known; Lytics returns a hundred rows per call. */
export const SMALLEST_PAGE = 100;
/** One page is not representative, so the next is at most this many times as large. */
export const PAGE_GROWTH = 8;
/** Four calls for each of five lanes. A larger page would be a little faster, but its payload approaches the limit. */
export const LARGEST_PAGE = 2_000;
/** What a page of rows may hold: a payload is 2 MiB at most, and sealing adds a third to what it cannot compress. */
export const MOST_ROW_BYTES = 1_000_000;
/** What a page of records may hold before it is sealed. Only rows with very many IDs exceed it. */
export const MOST_RECORD_BYTES = 1_200_000;
/** A row with more IDs than this is an error in the data. */
export const MOST_IDS_PER_ROW = 2_000;
/** A page comes from our own history but is still external data: it must not exhaust the memory. */
export const LARGEST_OPENED_PAGE = 64 * 1024 * 1024;

// Rows of a run

/** What the rows of a page's result may hold before they are sealed: base64 adds a third, and a payload must stay below 1 MiB. */
export const MOST_ROW_SET_BYTES = 500_000;
export const MOST_MESSAGE_CHARACTERS = 500;
/** A part of an answer before it is encrypted: at most 1 MB in base64. */
export const MOST_PART_BYTES = 700_000;
/** A part without more rows is returned after this time: a question has a minute. */
export const PART_MS = 10_000;
/** Events of a history that are read at once: each may hold a sealed page. */
export const EVENTS_AT_ONCE = 50;
/** Rows of an earlier run that are exported together. */
export const ROWS_PER_PAGE = 1_000;

// Scans of an audience

/** Lytics returns at most this many rows per call, whatever the limit in the request. */
export const SCAN_PAGE = 100;
/** As many lanes as requests to Lytics may be in flight: more would wait for each other. */
export const MOST_LANES = 10;
/** One lane reads a smaller audience in ten calls, about as many as it takes to prove several lanes. */
export const SMALLEST_AUDIENCE_IN_LANES = 1_000;
/** Totals that are read within a second may differ by this share: more, and lanes would miss members. */
export const LANES_DRIFT = 0.001;
/** After this many pages without a 429 or timeout, one more request to Lytics may be in flight. */
export const CALM_PAGES = 20;
/** A lane whose total is above its share by this factor is not a lane: chance does not explain it. */
export const LANE_EXCESS = 1.5;

/** Pages fetched at once, each from half of the lanes: while the lanes of one wait for its cursors, Lytics answers the other. */
export const FETCHES_AT_ONCE = 2;

/** A Lytics page may be returned again this often before it counts as the end of a scan. */
export const PAGE_REPEATS = 3;
/** Without a total from Lytics, a scan ends after this many Lytics pages without identifiable users. */
export const BLIND_PAGES = 100;
/** After this many incomplete scans in a row that wrote nothing, another scan would not help. */
export const FRUITLESS_SCANS = 5;
/** Lytics counts an audience before it is scanned: a difference up to this share is normal. */
export const DRIFT = 0.01;
/** When this many users' profiles do not name the audience, and none does, the token cannot see it. */
export const TELLING_CONTRADICTIONS = 5;
/** The list of audiences is read again after a minute. */
export const CATALOGUE_AGE_MS = 60_000;
/** An unlisted name may belong to a new audience, so the list is read again sooner. */
export const CATALOGUE_AGE_FOR_UNKNOWN_MS = 5_000;
/** Warnings name at most this many audiences that Lytics does not list. */
export const MOST_UNLISTED = 20;

// Users who leave

/** A share in `max_removals` applies only from this many carriers up: in a small audience, few removals exceed any share. */
export const GUARDED_CARRIERS = 100;
/** The share of sampled members that look-ups must find; some may have left in the meantime. */
export const PROVEN_SHARE = 0.9;
/** Lytics pages to read to find members with an ID. */
export const SAMPLE_PAGES = 5;
/** Leavers beyond this size are not held but searched for again later: a history is limited to 50 MB. */
export const MOST_HELD_BYTES = 8_000_000;
/** Leavers found longer ago (before an approval, a pause or quiet hours) are compared with Lytics again. */
export const FRESH_MINUTES = 10;
/** Gigya's search cursor expires five minutes after its last use; the search starts again at most this often. */
export const LEAVER_RESTARTS = 5;
/** The audit reads at most this many batches of carriers; above that it uses Gigya's own count. */
export const MOST_AUDITED_BATCHES = 10;

// Quiet hours

/** How far ahead quiet hours are computed; then they are computed again. */
export const QUIET_DAYS = 3;

// Continuing as new

/** Held leavers that a run may pass on when it continues as new: a payload is 2 MiB at most. */
export const MOST_CARRIED_BYTES = 1_000_000;
/** State that was passed on is ignored after this time: a reset, or the next run of a cron expression, starts from the beginning. */
export const CARRIED_MINUTES = 15;
/** A cron run cannot continue as new (it would lose its cron expression), and a history is limited to 51,200 events. */
export const MOST_CRON_EVENTS = 45_000;
/** And to 50 MB, which the sealed pages of a million and a half users take. */
export const MOST_CRON_BYTES = 40_000_000;

// Status and reports

/** The default of `ALERT_AFTER`. */
export const ALERT_AFTER_SECONDS = 1_800;
/** The rate is measured over this time. */
export const RATE_SECONDS = 60;
export const MOST_WARNINGS = 20;
/** Don't report delays shorter than this: each report is a few events of history. */
export const LASTING_TROUBLE_MS = 5_000;
/** An unanswered request is reported after this time, long before it times out. */
export const SILENCE_MS = 10_000;
/** The rate counts as limited for this long after the last call that met the limit: at the lowest rate calls are rare. */
export const THROTTLED_MS = 30_000;
export const BETWEEN_REPORTS_MS = 15_000;

// Attempts of activities

/** Interval of heartbeats: at most this much of a killed worker's work is repeated. */
export const HEARTBEAT_MS = 1_000;
/**
 * A page without progress sends a heartbeat only this often: Temporal Cloud bills each one. The lease lasts 8 s, and a
 * page waits five for the one before it.
 */
export const IDLE_HEARTBEAT_MS = 6_000;
/** The SDK cancels an activity that has not sent a heartbeat through it for the heartbeat timeout (10 s) and 5 s more. */
export const SDK_HEARTBEAT_MS = 10_000;
/** Work stops this long before a time limit, so that the last requests can finish. */
export const LEASE_MARGIN_MS = 2_000;
/** How long to wait for the Temporal server to answer a heartbeat or a report. */
export const SERVER_PATIENCE_MS = 5_000;
/** An error that may pass but usually needs a person is retried this often: the run fails within a minute. */
export const BRIEF_TRIES = 5;
export const BRIEF_DELAY = '10 s';
/** A run waits for an open retry or applied plan, and looks again this often. */
export const BUSY_DELAY = '10 s';
/** An unexpected error is a bug in lytics-gigya-export: after a few tries the run fails visibly. */
export const UNEXPECTED_TRIES = 3;
/** Another worker may have the authorization that this one lacks. With two workers, one activity in a million fails. */
export const OTHER_WORKER_TRIES = 20;
export const OTHER_WORKER_DELAY = '500 ms';
/** A person waits for the answer to a question. */
export const OTHER_WORKER_QUESTION_TRIES = 6;
/** An activity that succeeds on another worker is never forgotten by this one, so it forgets the oldest. */
export const MOST_COUNTED_ACTIVITIES = 10_000;

// Bad records and bad services

/** After this many unanswered records in a row, the service has failed, not the records. */
export const OUTAGE_RECORDS = 20;
/** After this many attempts, an unanswered record is marked as failed if other records are answered. */
export const ATTEMPTS_PER_RECORD = 5;
/** An unstable service may answer once by chance: a known good record must succeed this often. */
export const CANARY_CALLS = 5;
/** At most this many records are written one by one until a write has been read back. */
export const READ_BACK_TRIES = 10;

// Calls to Lytics

/** Requests in flight. Lytics publishes no limit; its own exports use about as many. */
export const LYTICS_CONNECTIONS = 10;
export const PROFILES_AT_ONCE = 10;
/** Each statement makes Lytics search for a hundred users: these are one batch of Gigya's search. */
export const STATEMENTS_AT_ONCE = 10;
/** Lytics pages of one statement: it contains a hundred UIDs, and several profiles may share one. */
export const MOST_STATEMENT_PAGES = 10;
/** Most of Lytics' 429 replies do not state a time. */
export const LONGEST_LYTICS_WAIT_MS = 60_000;

// Calls to either service

/** Retries of a transient error, within seconds, before the activity is retried. */
export const RETRIES = 3;

// Calls to Gigya

/** How often the rate is reported: it also changes without a reply from Gigya. */
export const REPORT_RATES_MS = 5_000;
/** Each 403048 cuts the rate to this share. */
export const RATE_DECREASE = 0.8;
/** Two hundredths of the maximum per second: the rate recovers from a tenth of the quota in three quarters of a minute. */
export const RATE_INCREASE_PER_SECOND = 0.02;
/** One call in ten seconds: low enough for any quota, high enough to detect a higher quota. */
export const LOWEST_RATE = 0.1;
/** The share of a second's calls that may be sent at once after a pause. */
export const BURST_SECONDS = 0.1;
/** Connections of `auto`, at least: enough for a page's searches beside its writes. */
export const FEWEST_CONNECTIONS = 4;
/** At most: SAP's largest quota, 630 calls a second, needs no more up to a latency of 250 ms. */
export const MOST_CONNECTIONS = 256;
/** Until the first calls are answered. */
export const LATENCY_MS = 150;
/** The latency is measured over this time. */
export const LATENCY_WINDOW_MS = 2_000;
/** The mean latency is above the median, and calls that wait for the rate limit count as under way. */
export const LATENCY_HEADROOM = 1.5;
export const SPARE_CONNECTIONS = 4;
/** Gigya rejects more requests than this in flight for one UID (409030). */
export const CALLS_PER_UID = 5;
/** UIDs in the first searches, as in SAP's own look-ups. */
export const START_UIDS = 200;
export const START_CHARACTERS = 8_000;
/** SAP's WordPress plugin calls this "tested". */
export const MOST_CHARACTERS = 30_000;
/** 30,000 characters hold about 850 UIDs of Gigya's own making. */
export const MOST_UIDS = 900;
/** SAP's plugin shrinks a query to this share after 500001. */
export const SEARCH_SHRINK = 2 / 3;
/** 500001 is also a general server error: a limit learned from it expires after this many full queries. */
export const FORGET_LIMIT_AFTER = 100;
/** Up to this many UIDs, a server error is not caused by the length of the query, unless the UIDs are long. */
export const SMALLEST_SPLIT = 20;
/** Up to this many characters, it is not caused by the length either. */
export const SHORTEST_SPLIT = 1_000;
