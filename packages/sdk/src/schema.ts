import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";

/**
 * A schema of any library that validates and can say itself as JSON Schema, by the interfaces of Standard Schema. The
 * same that the official SDK 2.x takes, its own `fromJsonSchema` included.
 * @see https://standardschema.dev
 */
export interface StandardSchemaWithJson<Input = unknown, Output = Input> {
  readonly "~standard": StandardSchemaV1.Props<Input, Output> & {
    /** Methods, so that schemas typed by another copy of the interfaces fit: the SDK has one, with other targets. */
    readonly jsonSchema: {
      input(options: StandardJSONSchemaV1.Options): Record<string, unknown>;
      output(options: StandardJSONSchemaV1.Options): Record<string, unknown>;
    };
  };
}

/** What stands for the schema of a tool that has none. */
export type NoArguments = StandardSchemaWithJson<Record<string, never>>;

/** What a schema makes of valid input. */
export type OutputOf<S extends StandardSchemaWithJson> = StandardSchemaV1.InferOutput<S>;
