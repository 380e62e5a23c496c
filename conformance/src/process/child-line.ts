/** What the process of exit-child.ts says, line by line. */
export type ChildLine =
  | { readonly stage: "opened" | "closed" }
  /** A call that had to succeed did not. */
  | { readonly threw: string }
  /** Something escaped from the store, outside of any call. */
  | { readonly stray: string };
