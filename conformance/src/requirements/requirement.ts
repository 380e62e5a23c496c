/** Something that a specification, or this project, asks of those who have tasks. */
export interface Requirement {
  /** S-…: the specification of 2025-11-25. X-…: the extension on that of 2026-07-28. P…: a promise of this project. T…: what the kit relies on. Never reused. */
  readonly id: string;
  /** null: of this project alone. */
  readonly specification: "2025-11-25" | "2026-07-28" | null;
  readonly level: "must" | "should" | "may" | "promise";
  /** Whose duty it is. */
  readonly on: "server" | "client" | "both";
  /** The heading in the specification; of what is this project's own, its name. */
  readonly section: string;
  /** In our own words. */
  readonly text: string;
  /** It shows on the wire only, or there as well: judged on a running server. */
  readonly run: boolean;
  /** Rules of this kit about stores that check it. */
  readonly rules: readonly string[];
  /** Rules of this kit about servers that check it on the wire. */
  readonly server: readonly string[];
  /** Why no rule of a store does. */
  readonly exclusion?: string;
  /** Checks of the official suite. */
  readonly official: readonly string[];
  /** Checks that the official suite lists and never makes. */
  readonly declared: readonly string[];
}
