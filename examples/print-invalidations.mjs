import { createWorld, ofEvent } from 'pinless';

const { kernel, simulation } = createWorld();
const inode = kernel.fs.createFile('data', 4 * 4096, 'written');
const app = kernel.createProcess('app');
kernel.invalidations$.pipe(ofEvent('PROTECTION_PAGE', 'UNMAP')).subscribe((range) => console.log(range.name));

simulation.runTask('app', story());
function* story() {
  const { start } = yield* kernel.mmap(app, {
    length: 4 * 4096,
    prot: 'rw',
    share: 'shared',
    file: { inode, offset: 0 },
  });
  yield* kernel.store(app, start, 2 * 4096);
  yield* kernel.fsync(inode);
  yield* kernel.munmap(app, start, 4 * 4096);
}
