import { GUARDED_CARRIERS } from '../tuning.ts';

export interface Removals {
  /** Users who would lose the audience. */
  removals: number;
  /** Users who carry it in Gigya. */
  carriers: number;
  /** Members that this run counted. */
  members: number;
}

/**
 * Why a person has to approve the removals; undefined when no approval is needed.
 *
 * @param most `config.max_removals`: below 1 a share of the carriers, which applies only from 100 carriers up; else a number
 *   of users; 0 guards every removal.
 */
export function guardReason(most: number, { removals, carriers, members }: Removals): string | undefined {
  if (removals === 0) return undefined;
  const figures = `${figure(removals)} of the ${figure(carriers)} users who carry the audience in Gigya would lose it`;
  if (members === 0) return `Lytics returned an empty audience: ${figures}`;
  const isTooMany =
    most === 0 || (most < 1 ? carriers >= GUARDED_CARRIERS && removals > most * carriers : removals > most);
  if (!isTooMany) return undefined;
  return `${figures}, and config.max_removals allows ${limitOf(most)}`;
}

function limitOf(most: number): string {
  if (most === 0) return 'none';
  return most < 1 ? `${Math.round(most * 1000) / 10} % of them` : figure(most);
}

const figure = (value: number) => value.toLocaleString('en-US');
