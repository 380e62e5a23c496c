import type { RuleReport } from "../report.ts";

/** A line that overwrites itself, on a terminal; elsewhere nothing of rules. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  show(rule: RuleReport, done: number, of: number): void {
    this.#write(`${done}/${of} ${rule.id}`);
  }

  /** What else a reader waits for: elsewhere, too, since it may be all that comes for long. */
  waiting(text: string): void {
    if (this.#stream.isTTY) this.#write(text);
    else this.#stream.write(`${text}\n`);
  }

  end(): void {
    this.#write("");
  }

  #write(text: string): void {
    if (this.#stream.isTTY) this.#stream.write(`\r\u001b[K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
  }
}
