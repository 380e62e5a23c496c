/**
 * An aggregation expression, as the server computes it. A text of a caller stands in one only as {@link literal}, so that
 * none is ever read as a field, a variable or an operator.
 */
export type Expression =
  | string
  | number
  | boolean
  | null
  | readonly Expression[]
  | { readonly [name: string]: Expression };

/** One stage of a pipeline. */
export type Stage = { readonly [operator: string]: Expression };

/** The text itself, whatever it looks like. */
export function literal(text: string | null): Expression {
  return text === null ? null : { $literal: text };
}

export function isNull(value: Expression): Expression {
  return { $eq: [value, null] };
}

export function cond(condition: Expression, then: Expression, otherwise: Expression): Expression {
  return { $cond: [condition, then, otherwise] };
}

export function allOf(...conditions: readonly Expression[]): Expression {
  return conditions.length === 0 ? true : { $and: conditions };
}

export function anyOf(...conditions: readonly Expression[]): Expression {
  return { $or: conditions };
}

/** The greatest; null counts for nothing, and is the answer where there is nothing else. */
export function latest(...values: readonly Expression[]): Expression {
  return { $max: values };
}

/** The least; null counts for nothing, and is the answer where there is nothing else. */
export function earliest(...values: readonly Expression[]): Expression {
  return { $min: values };
}

export function plus(...values: readonly Expression[]): Expression {
  return { $add: values };
}

/** Names values for use as `$$name` in `within`; none of them sees the others. */
export function letIn(vars: Readonly<Record<string, Expression>>, within: Expression): Expression {
  return { $let: { vars, in: within } };
}

/** The first case that holds decides. */
export function firstOf(
  cases: readonly { readonly case: Expression; readonly then: Expression }[],
  otherwise: Expression,
): Expression {
  return cases.length === 0 ? otherwise : { $switch: { branches: cases, default: otherwise } };
}

/** The row with some of its fields set. */
export function rowWith(fields: Readonly<Record<string, Expression>>): Expression {
  return { $mergeObjects: ["$$ROOT", fields] };
}

/** The row becomes what `row` says. */
export function replaceRow(row: Expression): Stage {
  return { $replaceWith: row };
}
