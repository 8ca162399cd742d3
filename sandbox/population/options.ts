export type PopulationOptions = {
  /** Members of `vip`, each with a Lytics profile and a Gigya account. */
  users: number;
  seed: number;
  /** Audiences beside `vip` and `all`. @default 24 */
  audiences: number;
  /** Users with profile and account who are not in `vip`. @default a twentieth of `users` */
  outsiders: number;
  /** The Lytics field that holds the Gigya UID. @default gy_profile_id */
  idField: string;
};

export function defaultPopulation(options: Partial<PopulationOptions>): PopulationOptions {
  const users = options.users ?? 1000;
  return {
    users,
    seed: options.seed ?? 1,
    audiences: options.audiences ?? 24,
    outsiders: options.outsiders ?? Math.ceil(users / 20),
    idField: options.idField ?? 'gy_profile_id',
  };
}
