import { z } from 'zod';

const schema = z.looseObject({
  fields: z
    .record(
      z.string(),
      z.looseObject({
        type: z.string().nullish(),
        arrayOp: z.string().nullish(),
        encrypt: z.unknown().optional(),
      }),
    )
    .nullish(),
  dynamicSchema: z.boolean().nullish(),
});

export const schemaReply = z.looseObject({ dataSchema: schema.nullish(), schema: schema.nullish() });

/** What the schema says about a field: a fault that keeps it from being written, or a warning. */
export interface Verdict {
  fault?: string;
  warning?: string;
}

/** Judges whether a field can hold a list of audiences, and be searched for one. */
export function judgeField(field: string, reply: z.output<typeof schemaReply>): Verdict {
  const { fields, dynamicSchema } = reply.dataSchema ?? reply.schema ?? {};
  const declared = fields?.[field];
  const declaration = `{"type":"string","writeAccess":"serverOnly"}`;
  if (!declared) {
    if (dynamicSchema === false) {
      return {
        fault: `the field data.${field} is not in Gigya's schema, which allows no others; declare it as ${declaration}, or set config.gigya_field`,
      };
    }
    return {
      warning: `The field data.${field} is not declared in Gigya's schema, so users can write it themselves; declare it as ${declaration} (in a site group, on the parent)`,
    };
  }
  if (declared.arrayOp === 'push') {
    return {
      fault: `the field data.${field} appends to arrays (arrayOp "push"), so each run would double it; declare another field and set config.gigya_field`,
    };
  }
  if (declared.type != null && !/string|text/.test(declared.type)) {
    return {
      fault: `the field data.${field} is declared as ${declared.type}, which cannot hold audiences; declare a string field and set config.gigya_field`,
    };
  }
  if (declared.encrypt) {
    return {
      warning: `The field data.${field} is encrypted in Gigya, so searches may not find users by their audiences; declare a field without encryption and set config.gigya_field`,
    };
  }
  return {};
}
