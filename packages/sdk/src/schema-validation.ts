import type { StandardSchemaV1 } from "@standard-schema/spec";

/** The part of a schema that validates; several packages have the rest in types of their own. */
export interface Validator<Output> {
  readonly "~standard": {
    readonly validate: (value: unknown) => StandardSchemaV1.Result<Output> | Promise<StandardSchemaV1.Result<Output>>;
  };
}

/** A value as its schema reads it, or what is wrong with it, for people. */
export type Validated<T> = { readonly value: T } | { readonly problem: string };

/** How much of what is wrong is told: a form of a thousand fields may be wrong a thousand times. */
const MOST_ISSUES = 5;

/** Validates by whatever library the schema is of. Never throws for an invalid value. */
export async function validateBy<Output>(schema: Validator<Output>, value: unknown): Promise<Validated<Output>> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return { value: result.value };
  return { problem: result.issues.slice(0, MOST_ISSUES).map(issueText).join(", ") };
}

function issueText({ message, path = [] }: StandardSchemaV1.Issue): string {
  const where = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
  return where === "" ? message : `${where}: ${message}`;
}
