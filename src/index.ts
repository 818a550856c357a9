/**
 * pinless: what a program that uses the emulator imports.
 *
 * The engine, notifiers, memory, files, kernel, driver contract, NIC and drivers, as far as they are public.
 */
import 'reflect-metadata';

export * from './base/index.js';
export * from './engine/index.js';
export * from '../notifiers/index.js';
export * from './mm/index.js';
export * from './fs/index.js';
export * from './kernel/index.js';
export * from '../devices/contract/index.js';
export * from '../devices/nic/index.js';
export * from '../devices/odp/index.js';
export * from '../devices/pinned/index.js';
export * from '../devices/mirror/index.js';
export * from '../devices/faulty/index.js';
export * from './check/index.js';
export * from './lab/index.js';
