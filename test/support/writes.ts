import type { JournalEntry, SandboxAdmin, Truth } from '../../sandbox/client.ts';

type Question = NonNullable<Parameters<SandboxAdmin['verify']>[0]>;

/** The members who do not yet carry exactly their audiences, which the next run has to write. */
export async function changesDue(admin: SandboxAdmin, question: Question = {}): Promise<string[]> {
  const [{ expected }, state]: [Truth, Awaited<ReturnType<SandboxAdmin['state']>>] = await Promise.all([
    admin.truth(question),
    admin.state(),
  ]);
  return Object.keys(expected).filter((uid) => {
    const held = question.storage === 'data_store' ? state[uid]?.data_store[0] : state[uid]?.account;
    return (
      !Array.isArray(held) || [...held].sort().join('\n') !== [...(expected[uid] ?? [])].sort().join('\n')
    );
  });
}

/** Writes that took effect, whether or not they changed a value; refused writes are unknown UIDs. */
export async function appliedWrites(admin: SandboxAdmin): Promise<JournalEntry[]> {
  return (await admin.journal()).filter(({ applied }) => applied);
}
