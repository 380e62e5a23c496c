import type { TaskRecord } from "./task-record.ts";

/**
 * A stored row as an answer of a driver has it: the large fields that were asked for, null where there is none; the
 * others are absent, not undefined. The fields are the stored row's own.
 */
export function loadedRow(
  row: TaskRecord,
  loaded: { readonly request?: boolean; readonly outcome?: boolean } = {},
): TaskRecord {
  const { request = null, outcome = null, ...rest } = row;
  return {
    ...rest,
    ...(loaded.request === true ? { request } : {}),
    ...(loaded.outcome === true ? { outcome } : {}),
  };
}
