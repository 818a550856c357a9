/** The rules in a sentence each. R1 to R18 bind drivers, K1 and K2 the kernel; R19 is the machine's. */
export const SAYS = {
  R1: 'no access through an old translation may land after invalidate_range_start has returned',
  R2: 'no translation of a range may be made or used between the return of its start and its end',
  R3: 'a translation is made only of what no invalidation has touched since it was read',
  R4: 'every invalidation that a driver honours sets the sequence number',
  R5: 'what a device has written is dirty before the callback returns, and is not dirtied later',
  R6: 'a call that may not block lets go at once or is refused, and nobody holds it',
  R7: 'who may refuse a start does not implement the end',
  R8: 'a callback does not wait for mmap_lock, a folio or memory, and nobody does who has a lock that a callback takes',
  R9: 'every start has one end of the same range unless it was refused, and a hold is released once',
  R10: 'a device may write only where the CPU may',
  R11: 'a translation must not outlive the mapping that it was made from',
  R12: 'when an mm has been released no translation of it is left, made or used',
  R13: 'a driver does not name what it has destroyed',
  R14: 'dropping more than asked is always right, dropping less never is',
  R15: 'nothing depends on the order of subscribers, or on another one keeping the kernel waiting',
  R16: 'a page fault of a device ends, however many invalidations come',
  R17: 'who ignores a notification of its own making keeps its device off the range by itself',
  R18: 'a device that has seen new data at one address does not see older data at another',
  R19: 'when the last process has gone, what is neither cached nor broken is free',
  R20: 'an access lands on the byte that its address names',
  K1: 'the kernel takes rights away only inside a range whose start has returned',
  K2: 'a page stays allocated for as long as a device may use it',
} as const;

/** The number of a rule, as docs/rules.md has it. */
export type RuleId = keyof typeof SAYS;
