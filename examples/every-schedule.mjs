// Two writes of one device meet munmap: pinless explore examples/every-schedule.mjs
import { SmallMachine, odp, pluggedIn } from 'pinless';

export default function twoWrites(stage) {
  const machine = new SmallMachine(stage);
  const { kernel, process } = machine;
  const device = machine.plugIn(pluggedIn(odp), 'nic');
  machine.mapAnon(1);
  machine.before('register', device.register(process.mm, machine.address(0), 4096));

  machine.device('first write', device.access('write', machine.address(0), 64));
  machine.device('second write', device.access('write', machine.address(0), 64));
  machine.systemCall('munmap', kernel.munmap(process, machine.address(0), 4096));

  return () => {
    machine.finish();
    return process.mm.pageTable.get(machine.address(0) / 4096) === 0 ? 'the page is gone' : 'the page is there';
  };
}
