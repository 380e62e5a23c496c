/** The question that `Kit.asked` puts under a key. */
export function questionFor(key: string): { readonly method: string; readonly params: { readonly message: string } } {
  return { method: "elicitation/create", params: { message: `which ${key}?` } };
}
