/** The demo's output: live on a terminal, plain lines everywhere else. */
import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

const BAR_WIDTH = 24;
/** Without a terminal a bar is a line now and then. */
const PLAIN_STEP = 0.25;

interface Bar {
  readonly label: string;
  readonly fraction: number;
  readonly text: string;
}

export class Printer {
  readonly #stream: NodeJS.WriteStream;
  readonly #isLive: boolean;
  readonly #startedMs = performance.now();
  /** The bars that stand below the last line, in order. */
  readonly #bars = new Map<string, Bar>();
  readonly #plainSteps = new Map<string, number>();
  #drawnLines = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    const { NO_COLOR = "", TERM = "" } = process.env;
    this.#isLive = stream.isTTY && NO_COLOR === "" && TERM !== "dumb";
  }

  style(style: Style, text: string): string {
    return this.#isLive ? styleText(style, text, { validateStream: false }) : text;
  }

  line(text = ""): void {
    this.#erase();
    this.#stream.write(`${text}\n`);
    this.#draw();
  }

  heading(text: string): void {
    this.line();
    this.line(this.style("bold", text));
  }

  /** Something that happened, with the time since the start. */
  event(text: string): void {
    const seconds = ((performance.now() - this.#startedMs) / 1000).toFixed(2).padStart(7);
    this.line(`${this.style("dim", `${seconds} s`)}  ${text}`);
  }

  /** Shows or moves a bar. */
  progress(key: string, bar: Bar): void {
    if (this.#isLive) {
      this.#erase();
      this.#bars.set(key, bar);
      this.#draw();
      return;
    }
    const step = Math.floor(bar.fraction / PLAIN_STEP);
    const last = this.#plainSteps.get(key) ?? 0;
    this.#plainSteps.set(key, step);
    if (step > last) this.event(`${bar.label}  ${percent(bar.fraction)}  ${bar.text}`);
  }

  endProgress(...keys: readonly string[]): void {
    this.#erase();
    for (const key of keys) {
      this.#bars.delete(key);
      this.#plainSteps.delete(key);
    }
    this.#draw();
  }

  endAllProgress(): void {
    this.endProgress(...this.#bars.keys(), ...this.#plainSteps.keys());
  }

  #erase(): void {
    if (this.#drawnLines > 0) this.#stream.write(`\u001b[${this.#drawnLines}A\u001b[J`);
    this.#drawnLines = 0;
  }

  #draw(): void {
    // A line that wraps would be two to move up over.
    const width = Math.max(20, (this.#stream.columns || 80) - 1);
    for (const { label, fraction, text } of this.#bars.values()) {
      const full = Math.round(Math.min(1, Math.max(0, fraction)) * BAR_WIDTH);
      const bar = "█".repeat(full) + "░".repeat(BAR_WIDTH - full);
      const row = `           ${label}  ${bar} ${percent(fraction)}  ${text}`.slice(0, width);
      this.#stream.write(`${row.replace(bar, this.style("cyan", bar))}\n`);
    }
    this.#drawnLines = this.#bars.size;
  }
}

export function percent(fraction: number): string {
  return `${Math.round(fraction * 100)} %`.padStart(5);
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

export function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}
