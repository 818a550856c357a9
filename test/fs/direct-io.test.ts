import { PAGE_SIZE } from '../../src/base/index.js';
import { allocateBuffer, directIoWithMemory, type Inode } from '../../src/fs/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

/** A mapped file of 8 pages and, at page 100, private memory full of 5. */
function machine(fileSystem: 'ext4' | 'btrfs'): { m: Machine; file: Inode } {
  const m = new Machine({ fileSystem });
  const file = m.file(8);
  m.mapFile(file);
  m.mapAnon(4, { at: 100 });
  for (let page = 100; page < 104; page++) m.store(page, 5);
  m.store(2, 7);
  m.log.take();
  return { m, file };
}

describe('O_DIRECT writes to a mapped file', () => {
  it('on ext4 write what is dirty, take the pages from all mappings, and are read back', () => {
    const { m, file } = machine('ext4');
    m.run(directIoWithMemory(file, 2 * PAGE_SIZE, 'write', m.mm, address(100), 2 * PAGE_SIZE));
    expect(m.log.takeOnly(/^[<>]/)).toBe('<PROTECTION_PAGE[2,3)> <CLEAR[2,4)>');
    expect([m.load(2), m.load(3), m.load(4)]).toEqual([5, 5, 0]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('on btrfs go through the page cache: the pages stay mapped', () => {
    const { m, file } = machine('btrfs');
    m.run(directIoWithMemory(file, 2 * PAGE_SIZE, 'write', m.mm, address(100), PAGE_SIZE));
    expect(m.log.takeOnly(/^[<>]/)).toBe('<PROTECTION_PAGE[2,3)> <PROTECTION_PAGE[2,3)>');
    expect(m.load(2)).toBe(5);
  });
});

it('an O_DIRECT read brings into memory what a mapping has just written', () => {
  const { m, file } = machine('ext4');
  m.run(directIoWithMemory(file, 2 * PAGE_SIZE, 'read', m.mm, address(101), PAGE_SIZE));
  expect([m.load(100), m.load(101)]).toEqual([5, 7]);
  expect(m.errno(directIoWithMemory(file, 0, 'read', m.mm, address(200), PAGE_SIZE))).toBe('EFAULT');
});

// Recorded: the page before the one that is not mapped has the file's bytes, and the call fails.
it('an O_DIRECT read into memory that is not all mapped transfers what comes before the hole, and fails', () => {
  const { m, file } = machine('ext4');
  m.run(directIoWithMemory(file, 2 * PAGE_SIZE, 'write', m.mm, address(100), PAGE_SIZE));
  m.store(103, 9);
  expect(m.errno(directIoWithMemory(file, 2 * PAGE_SIZE, 'read', m.mm, address(103), 2 * PAGE_SIZE))).toBe('EFAULT');
  expect(m.load(103)).toBe(5);
});

it('a buffer for which there is no memory is an error, and leaves nothing behind', () => {
  const m = new Machine();
  const file = m.file(1);
  const before = m.memory.freeFrames;
  expect(m.errno(allocateBuffer(file, 32 * 2 ** 20))).toBe('ENOMEM');
  expect(m.memory.freeFrames).toBe(before);
});
