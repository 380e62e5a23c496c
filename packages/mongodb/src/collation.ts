/**
 * Texts are compared byte by byte, said on every command: without it a collection's own collation holds, by which
 * "Alice" may be "alice".
 */
export const SIMPLE: { readonly locale: "simple" } = { locale: "simple" };
