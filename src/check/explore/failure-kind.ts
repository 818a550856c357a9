import { messageOf } from '../../engine/index.js';

/**
 * What kind of failure an error is: two schedules fail alike if this is the same. Numbers do not count, as virtual times,
 * frames and addresses depend on the schedule.
 */
export function failureKind(error: unknown): string {
  const cause = rootCause(error);
  const name = cause instanceof Error ? cause.name : typeof cause;
  const rule = (cause as { readonly violation?: { readonly rule: string } } | null)?.violation?.rule;
  if (rule !== undefined) return `${name} ${rule}`;
  const [line] = messageOf(cause).split('\n');
  return `${name} ${line.replace(/\d+/g, '#')}`;
}

/** What was thrown, before anybody said where it happened. */
export function rootCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  return cause;
}
