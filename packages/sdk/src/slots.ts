/** How much of a thing may be open at once, in all and for one principal. Taking is one step: nothing comes between. */
export class Slots {
  readonly #max: number;
  readonly #maxPerPrincipal: number;
  readonly #taken = new Map<string, number>();
  #open = 0;

  constructor(max: number, maxPerPrincipal: number) {
    this.#max = max;
    this.#maxPerPrincipal = maxPerPrincipal;
  }

  get open(): number {
    return this.#open;
  }

  /**
   * @param principal null: nobody in particular, so only the whole is counted
   * @returns gives the slot back, once however often it is called; undefined: there is none
   */
  take(principal: string | null): (() => void) | undefined {
    if (this.#open >= this.#max) return undefined;
    if (principal !== null && (this.#taken.get(principal) ?? 0) >= this.#maxPerPrincipal) return undefined;
    this.#count(principal, 1);
    let given = false;
    return () => {
      if (!given) this.#count(principal, -1);
      given = true;
    };
  }

  #count(principal: string | null, by: 1 | -1): void {
    this.#open += by;
    if (principal === null) return;
    const taken = (this.#taken.get(principal) ?? 0) + by;
    if (taken === 0) this.#taken.delete(principal);
    else this.#taken.set(principal, taken);
  }
}
