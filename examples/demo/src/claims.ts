/** What the demo says about the store, each with the figure that was measured. */
export interface Claim {
  readonly text: string;
  readonly holds: boolean;
  readonly figure: string;
  /** Where to begin when it does not hold. */
  readonly lookAt: string;
}
