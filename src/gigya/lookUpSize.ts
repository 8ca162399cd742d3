import {
  FORGET_LIMIT_AFTER,
  MOST_CHARACTERS,
  MOST_UIDS,
  SEARCH_SHRINK,
  START_CHARACTERS,
  START_UIDS,
} from '../tuning.ts';

/**
 * How large a search by UID may be. Gigya documents no limit. SAP's own look-ups use 200 UIDs;
 * SAP's WordPress plugin calls 30,000 characters tested, and shrinks a query to two thirds on 500001.
 */
export interface LookUpSize {
  /** UIDs in a query. */
  readonly uids: number;
  /** Characters in a query. */
  readonly characters: number;
  /** Whether a refused query is divided; false after that did not help. */
  splitsRefused: boolean;
  /** A query of this size was accepted. */
  accepted(uids: number, characters: number): void;
  /** A query of this size was rejected, perhaps because it is too long. */
  refused(uids: number, characters: number): void;
}

export function createLookUpSize(): LookUpSize {
  let uids = START_UIDS;
  let characters = START_CHARACTERS;
  let mostUids = MOST_UIDS;
  let mostCharacters = MOST_CHARACTERS;
  let fullQueries = 0;
  return {
    splitsRefused: true,
    get uids() {
      return uids;
    },
    get characters() {
      return characters;
    },
    accepted(askedUids, askedCharacters) {
      // Only a query of full size shows that a larger one may be accepted.
      if (askedUids < uids * 0.9 && askedCharacters < characters * 0.9) return;
      if (++fullQueries % FORGET_LIMIT_AFTER === 0) {
        mostUids = Math.min(MOST_UIDS, mostUids * 1.25);
        mostCharacters = Math.min(MOST_CHARACTERS, mostCharacters * 1.25);
      }
      uids = Math.floor(Math.min(mostUids, uids * 2));
      characters = Math.floor(Math.min(mostCharacters, characters * 2));
    },
    refused(askedUids, askedCharacters) {
      fullQueries = 0;
      mostUids = uids = Math.max(1, Math.min(uids, Math.floor(askedUids * SEARCH_SHRINK)));
      mostCharacters = characters = Math.max(
        1,
        Math.min(characters, Math.floor(askedCharacters * SEARCH_SHRINK)),
      );
    },
  };
}
