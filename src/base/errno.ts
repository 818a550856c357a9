/** The error numbers that the emulated kernel returns (Linux, x86-64). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EINVAL: 22,
  EFBIG: 27,
  ENOSPC: 28,
  EOVERFLOW: 75,
  EOPNOTSUPP: 95,
  EHWPOISON: 133,
} as const;

/** Name of an error number. */
export type ErrnoCode = keyof typeof ERRNO;

/** A kernel call failed: the code that Linux returns, what was asked, and which rule refused it. */
export class Errno extends Error {
  override readonly name = 'Errno';

  constructor(
    readonly code: ErrnoCode,
    readonly reason: string,
  ) {
    super(`${code}: ${reason}`);
  }

  /** The number that the system call returns: negative, as in the kernel. */
  get value(): number {
    return -ERRNO[this.code];
  }
}

/**
 * True if `error` is an Errno of that code. What a driver throws may be one of another copy of pinless, the one that its
 * package depends on: so its name and its code count, not its class.
 */
export function isErrno(error: unknown, code?: ErrnoCode): error is Errno {
  if (!(error instanceof Error) || error.name !== 'Errno') return false;
  const its = (error as Partial<Errno>).code;
  return typeof its === 'string' && Object.hasOwn(ERRNO, its) && (code === undefined || its === code);
}
