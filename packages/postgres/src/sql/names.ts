/** Where the tables are: identifiers, quoted and ready to be spliced. Everything else reaches Postgres as a parameter. */
export interface Names {
  readonly schema: string;
  readonly tasks: string;
  readonly migrations: string;
}

/** @param schema validated by `checkSchema`: lower-case letters, digits, underscores */
export function namesIn(schema: string): Names {
  return { schema: `"${schema}"`, tasks: `"${schema}".tasks`, migrations: `"${schema}".migrations` };
}
