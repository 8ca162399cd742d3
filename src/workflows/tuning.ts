/** Constants that tune a run, with their reasons. */

/** Pages written side by side: while one waits for its last answers the others keep the quota busy. */
export const PAGES_AT_ONCE = 3;

/** A page is about so much work: progress moves, and a pause takes effect, this often. */
export const PAGE_SECONDS = 10;
/** The first page is small, as the rate is not known yet; Lytics returns rows by the hundred. */
export const SMALLEST_PAGE = 100;
/** A larger page gains nothing, and its payload nears the limit. */
export const LARGEST_PAGE = 2_000;

/** Scans in a row that were cut short and wrote nothing lead nowhere. */
export const FRUITLESS_SCANS = 5;
/** Lytics counts an audience now and scans it then: this share more or less says nothing. */
export const DRIFT = 0.01;

/** Guards that are a share apply from so many carriers up: half of ten users is not a catastrophe. */
export const GUARDED_CARRIERS = 100;
/** What a run carries when it continues as new has to fit a payload of 2 MiB. */
export const MOST_CARRIED_BYTES = 1_000_000;
/** Leavers beyond this are read again rather than held: the history ends at 50 MB. */
export const MOST_HELD_BYTES = 8_000_000;
/** Gigya's search cursor expires five minutes after its last use; so often the search starts again. */
export const LEAVER_RESTARTS = 5;

/** What a run carried is stale after this: a reset, or the next night of a cron expression, starts from the beginning. */
export const CARRIED_MINUTES = 15;
/** A cron run cannot continue as new (it would lose its schedule), and a history ends at 51,200 events. */
export const MOST_CRON_EVENTS = 45_000;

/** The rate is measured over this time. */
export const RATE_SECONDS = 60;

export const MOST_WARNINGS = 20;
