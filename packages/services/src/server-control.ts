/** What can be done to a server, whichever way it was started. */

export interface ServerControl {
  /** With an administrator's rights. */
  readonly url: string;
  /** For people: "embedded, npm". */
  readonly description: string;
  isRunning(): boolean;
  /** Ends it and starts it again at the same address with the same data. Also after kill. */
  restart(): Promise<void>;
  /** Ends every process of it at once, as a power cut does; resolves when they are gone. */
  kill(): Promise<void>;
  /** Ends it for good and removes its data. Calling it twice is harmless. */
  stop(): Promise<void>;
}

export interface PausableControl extends ServerControl {
  /** It answers nobody and closes nothing, until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}
