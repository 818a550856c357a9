/**
 * An exception of a subscriber on its way to whoever emitted.
 *
 * Operators between the two catch it and pass it down as an error notification, which the first operator that has
 * stopped already drops. So it does not travel up the call chain: it waits here until the emission is back at its source.
 */
let uncaught: { readonly cause: unknown } | null = null;

/** Keeps an exception that nobody handles. The first one counts. */
export function keepUncaught(cause: unknown): void {
  uncaught ??= { cause };
}

/** Throws what was kept, if anything was. */
export function throwUncaught(): void {
  if (uncaught === null) return;
  const { cause } = uncaught;
  uncaught = null;
  throw cause;
}
