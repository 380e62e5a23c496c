/** Waits for work to settle, but no longer than this, ms. What becomes of the work is not its business. */
export async function settledWithin(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  const settled = work.then(
    () => undefined,
    () => undefined,
  );
  try {
    await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}
