import { z } from 'zod';
import { isEmpty, read } from '../gigya/documents.ts';
import { fullAccount } from '../gigya/lite.ts';
import type { Account } from '../gigya/state.ts';
import { makeAccount } from '../population/people.ts';
import { memberUids } from '../truth.ts';
import type { World } from '../world.ts';
import { type AdminInput, accountOf, audienceOf, data, type Endpoint, Refusal } from './handler.ts';
import { questionSchema } from './questions.ts';

/** Accounts, and what others write into them. */

const accountsSchema = z.strictObject({
  accounts: z.array(z.strictObject({ uid: z.string(), data: data.default({}), profile: data.default({}) })),
});

const accountPatchSchema = z.strictObject({ data: data.optional(), profile: data.optional() });

const labelSchema = questionSchema.omit({ audiences: true }).extend({
  /** How many users who are not members are labelled, and do not carry the label yet. */
  count: z.number().int().min(0).default(0),
  /** These instead, members or not. */
  uids: z.array(z.string()).optional(),
  /** @default what the audience is called in that format */
  label: z.string().optional(),
});

export type AccountInput = z.input<typeof accountsSchema>['accounts'][number];
export type LabelInput = z.input<typeof labelSchema>;
type LabelOptions = z.infer<typeof labelSchema>;

function putAccounts(world: World, { body }: AdminInput) {
  return accountsSchema.parse(body).accounts.map(({ uid, data: own, profile }) => {
    const account = makeAccount(uid, own, profile, world.now());
    world.commit({ type: 'account.put', account });
    return account;
  });
}

function patchAccount(world: World, { body, name }: AdminInput) {
  const before = accountOf(world, name);
  const patch = accountPatchSchema.parse(body);
  const merged = Object.entries({ ...before.data, ...patch.data });
  const account = {
    ...before,
    data: Object.fromEntries(merged.filter(([, value]) => value !== null)),
    profile: { ...before.profile, ...patch.profile },
  };
  world.commit({ type: 'account.put', account });
  return account;
}

function removeAccount(world: World, { name }: AdminInput) {
  world.commit({ type: 'account.remove', uid: accountOf(world, name).UID });
  return {};
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : isEmpty(value) ? [] : [value]);

/** Where a UID's labels are, and the event that adds one more as another writer would: not in the journal. */
function place(world: World, uid: string, { storage, field, type, oid }: LabelOptions) {
  if (storage === 'account') {
    const account = accountOf(world, uid);
    const labels = listOf(read(account.data, field));
    const add = (label: string) => {
      const labelled: Account = { ...account, data: { ...account.data, [field]: [...labels, label] } };
      world.commit({ type: 'account.put', account: labelled, keepBaseline: true });
    };
    return { labels, add };
  }
  const objects = [...world.store(type).objects.values()].filter(({ UID }) => UID === uid);
  const object = objects.find((one) => oid === undefined || one.oid === oid);
  const labels = listOf(object && read(object.data, field));
  const add = (label: string) =>
    world.commit({
      type: 'object.write',
      store: type,
      uid,
      oid: object?.oid ?? oid ?? 'other_writer',
      data: { [field]: [...labels, label] },
      behavior: 'arraySet',
    });
  return { labels, add };
}

function addLabels(world: World, { body }: AdminInput) {
  const options = labelSchema.parse(body);
  if (options.field.includes('.')) throw new Refusal(400, 'labels go into a field at the top level only');
  const audience = audienceOf(world, options.audience);
  const { label = audience[options.format], count } = options;
  const members = memberUids(world, audience.id);
  const outside = [...world.gigya.accounts.keys()].filter(
    (uid) => !members.has(uid) && fullAccount(world, uid),
  );
  const uids: string[] = [];
  for (const uid of options.uids ?? outside) {
    if (!options.uids && uids.length >= count) break;
    const { labels, add } = place(world, uid, options);
    if (labels.includes(label)) continue;
    add(label);
    uids.push(uid);
  }
  return { uids };
}

export const gigyaEndpoints: Endpoint[] = [
  ['POST', /^\/admin\/accounts$/, putAccounts],
  ['GET', /^\/admin\/accounts\/([^/]+)$/, (world, { name }) => accountOf(world, name)],
  ['PATCH', /^\/admin\/accounts\/([^/]+)$/, patchAccount],
  ['DELETE', /^\/admin\/accounts\/([^/]+)$/, removeAccount],
  ['POST', /^\/admin\/labels$/, addLabels],
];
