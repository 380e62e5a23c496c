/** An option that cannot be: the caller's mistake. The message says which and what it may be. */
export class OptionError extends TypeError {
  override readonly name: string = "OptionError";
}
