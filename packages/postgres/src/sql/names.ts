/** Where the tables are: identifiers, quoted and ready to be spliced. Everything else reaches Postgres as a parameter. */
export interface Names {
  readonly schema: string;
  readonly tasks: string;
  readonly messages: string;
  readonly migrations: string;
  /** Functions. */
  readonly pushMessage: string;
  readonly takeMessages: string;
  readonly forgetMessages: string;
}

/** @param schema validated by `checkSchema`: lower-case letters, digits, underscores */
export function namesIn(schema: string): Names {
  const within = (name: string): string => `"${schema}".${name}`;
  return {
    schema: `"${schema}"`,
    tasks: within("tasks"),
    messages: within("task_messages"),
    migrations: within("migrations"),
    pushMessage: within("push_message"),
    takeMessages: within("take_messages"),
    forgetMessages: within("forget_messages"),
  };
}
