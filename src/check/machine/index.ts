/**
 * Small machines for the explorer: the real kernel, drivers and devices, with what a search over schedules must know of them,
 * and the scenarios in which a driver is tried over every schedule.
 *
 * Nothing here is a model of anything: what a machine does is what it does everywhere else, but that nothing takes time.
 */
export { SmallMachine, type DeviceWatch, type SmallMachineOptions } from './small-machine.js';
export type { DeviceUnderTest } from './device-under-test.js';
export { driverRaces, driverScenarios, scenariosOf, type DriverScenario } from './driver-scenarios.js';
