/**
 * Texts are compared byte by byte, said on every command but the page's: without it a collection's own collation holds, by which
 * "Alice" may be "alice".
 */
export const SIMPLE: { readonly locale: "simple" } = { locale: "simple" };
