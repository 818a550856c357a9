import { createWorld } from 'pinless';
const { kernel, simulation } = createWorld();
kernel.invalidations$.subscribe((range) => console.log(range.name));
function* story(app, file) {
  const { start } = yield* kernel.mmap(app, { length: 8192, prot: 'rw', share: 'shared', file });
  yield* kernel.store(app, start, 8192);
  yield* kernel.fsync(file.inode);
}
const inode = kernel.fs.createFile('data', 8192, 'written');
simulation.runTask('app', story(kernel.createProcess('app'), { inode, offset: 0 }));
