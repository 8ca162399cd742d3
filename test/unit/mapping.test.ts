import { describe, expect, it } from 'vitest';
import { parseJob } from '../../src/job.ts';
import { createCatalogue } from '../../src/mapping/catalogue.ts';
import { createMapping, fieldsOf } from '../../src/mapping/mapping.ts';
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
const configOf = (config: Parameters<typeof jobDocument>[1] = {}) =>
  parseJob(jobDocument('mapping', config)).config;

describe('a record', () => {
  it('has a value for each field that searches ask for', () => {
    const config = configOf();
    const { recordOf } = createMapping(config, catalogue);
    const record = recordOf({ uid: 'u1', row: {}, audiences: ['b2', 'vip', 'gold'] });
    expect(record).toEqual({ uid: 'u1', data: { lytics_segments: ['gold', 'vip'] } });
    expect(Object.keys(record.data)).toEqual(fieldsOf(config));
  });

  it("holds the audiences in the job's field", () => {
    const { recordOf } = createMapping(configOf({ gigya_field: 'audiences' }), catalogue);
    expect(recordOf({ uid: 'u1', row: {}, audiences: ['vip'] }).data).toEqual({ audiences: ['vip'] });
  });

  it('is empty for a user whom Lytics does not know', () => {
    const { recordOf } = createMapping(configOf(), catalogue);
    expect(recordOf({ uid: 'u1', row: undefined, audiences: [] }).data).toEqual({ lytics_segments: [] });
  });

  it('leaves out audiences that Lytics does not list, and the mapping names them', () => {
    const mapping = createMapping(configOf(), catalogue);
    expect(mapping.recordOf({ uid: 'u1', row: {}, audiences: ['vip', 'gone'] }).data).toEqual({
      lytics_segments: ['vip'],
    });
    expect([...mapping.unlisted]).toEqual(['gone']);
  });
});
