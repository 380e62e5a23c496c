/** Ends the process in good order on SIGTERM and Ctrl-C. */
export function endOnSignal(end: () => Promise<void>): void {
  const onSignal = (): void => {
    end().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", onSignal);
  process.once("SIGINT", onSignal);
}
