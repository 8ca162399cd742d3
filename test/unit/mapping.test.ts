import { describe, expect, it } from 'vitest';
import { parseJob } from '../../src/job.ts';
import { createCatalogue } from '../../src/mapping/catalogue.ts';
import { createMapping, fieldsOf, type Mapped } from '../../src/mapping/mapping.ts';
import { jobDocument } from '../support/jobs.ts';

const audience = (id: string, slug_name: string) => ({
  id,
  slug_name,
  name: undefined,
  public_name: undefined,
  is_public: true,
  size: undefined,
});
const catalogue = createCatalogue([audience('a1', 'vip'), audience('b2', 'gold')]);
const mapped = (config: Parameters<typeof jobDocument>[1] = {}): Mapped => ({
  job: parseJob(jobDocument('mapping', config)),
  audience: { label: 'vip' },
});

describe('a record', () => {
  it('has a value for each field that searches ask for', () => {
    const plan = mapped();
    const { recordOf } = createMapping(plan, catalogue);
    const record = recordOf({ uid: 'u1', row: {}, audiences: ['b2', 'vip', 'gold'], memberOf: [] });
    expect(record).toEqual({ uid: 'u1', data: { lytics_segments: ['gold', 'vip'] } });
    expect(Object.keys(record.data)).toEqual(fieldsOf(plan.job.config));
  });

  it("holds the audiences in the job's field", () => {
    const { recordOf } = createMapping(mapped({ gigya_field: 'audiences' }), catalogue);
    expect(recordOf({ uid: 'u1', row: {}, audiences: ['vip'], memberOf: [] }).data).toEqual({
      audiences: ['vip'],
    });
  });

  it('is empty for a user who is unknown to Lytics', () => {
    const { recordOf } = createMapping(mapped(), catalogue);
    expect(recordOf({ uid: 'u1', row: undefined, audiences: [], memberOf: [] }).data).toEqual({
      lytics_segments: [],
    });
  });

  it('leaves out audiences that Lytics does not list, and the mapping names them', () => {
    const mapping = createMapping(mapped(), catalogue);
    expect(mapping.recordOf({ uid: 'u1', row: {}, audiences: ['vip', 'gone'], memberOf: [] }).data).toEqual({
      lytics_segments: ['vip'],
    });
    expect([...mapping.unlisted]).toEqual(['gone']);
  });
});
