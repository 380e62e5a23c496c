import type { RuleReport } from "../report.ts";

/** A line that overwrites itself, on a terminal; nothing elsewhere. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  show(rule: RuleReport, done: number, of: number): void {
    this.#write(`${done}/${of} ${rule.id}`);
  }

  end(): void {
    this.#write("");
  }

  #write(text: string): void {
    if (this.#stream.isTTY) this.#stream.write(`\r\u001b[K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
  }
}
