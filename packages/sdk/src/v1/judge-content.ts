import { AjvJsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/ajv";
import type { ReadJsonSchema } from "../answer-problem.ts";

/** A validator of its own each time: it would keep what it compiled. */
export const readJsonSchema: ReadJsonSchema = (schema) => {
  const validate = new AjvJsonSchemaValidator().getValidator<unknown>(schema);
  return (content) => validate(content).errorMessage;
};
