/**
 * Who calls over a connection. The SDK leaves it to each server whether a session may be used with the tokens of several;
 * what goes out beside answers is read by one of them, and nobody knows which (S-73).
 */
export class SessionCallers {
  #owner: { readonly principal: string | null } | undefined;
  #isSeveral = false;
  #latest: Promise<void> = Promise.resolve();

  /** Whether what is one caller's could be read by another, who uses the same connection. */
  get isSeveral(): boolean {
    return this.#isSeveral;
  }

  note(principal: string | null): void {
    this.#owner ??= { principal };
    if (this.#owner.principal !== principal) this.#isSeveral = true;
  }

  /** Somebody calls who is not told yet. One who cannot be told is somebody else. @returns when it is */
  async noteWhenTold(principal: Promise<string | null>): Promise<void> {
    const before = this.#latest;
    const noted = (async () => {
      try {
        this.note(await principal);
      } catch {
        this.#isSeveral = true;
      }
      await before;
    })();
    this.#latest = noted;
    await noted;
  }

  /** The one who calls; undefined: nobody yet, or it is not only one. */
  async only(): Promise<string | null | undefined> {
    await this.#latest;
    return this.#isSeveral ? undefined : this.#owner?.principal;
  }
}
