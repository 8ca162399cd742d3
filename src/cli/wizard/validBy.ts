interface Schema<Value> {
  safeParse(value: Value): { success: boolean; error?: { issues: { message: string }[] } | undefined };
}

/** A prompt's validation, from the setting's schema. */
export function validBy<Value = string>(schema: Schema<Value>) {
  return (value: Value): true | string => {
    const result = schema.safeParse(value);
    return result.success || (result.error?.issues[0]?.message ?? 'not valid');
  };
}

export function notEmpty(value: string): true | string {
  return value.trim() !== '' || 'must not be empty';
}
