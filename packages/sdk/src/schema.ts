import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";

/**
 * A schema of any library that validates and can say itself as JSON Schema: zod 4.2 and later, ArkType, Valibot with
 * its converter … The same that the official SDK 2.x takes.
 * @see https://standardschema.dev
 */
export interface StandardSchemaWithJson<Input = unknown, Output = Input> {
  readonly "~standard": StandardSchemaV1.Props<Input, Output> & StandardJSONSchemaV1.Props<Input, Output>;
}

/** What a schema makes of valid input. */
export type OutputOf<S extends StandardSchemaWithJson> = StandardSchemaV1.InferOutput<S>;
