import { expect } from 'vitest';
import type { SandboxAdmin } from '../../sandbox/client.ts';

type Question = NonNullable<Parameters<SandboxAdmin['verify']>[0]>;

/** Checks that every member carries exactly their audiences, and nobody else the audience. */
export async function expectExact(admin: SandboxAdmin, question: Question = {}): Promise<void> {
  const { exact, expected, missing, different, extra, orphans } = await admin.verify(question);
  expect({ missing, different, extra, orphans }).toEqual({
    missing: [],
    different: [],
    extra: [],
    orphans: [],
  });
  expect(exact).toBe(expected);
  expect(expected).toBeGreaterThan(0);
}
