/** What the user typed cannot be done. Names the option, the rule and the value; ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
