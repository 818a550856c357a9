#!/usr/bin/env node
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { messageOf } from '../engine/index.js';
import { EXIT_USAGE, run } from './run.js';

/** Standard output that is closed early (`pinless … | head`) is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

let finished = false;

/** As it is before drivers are loaded, which may not end the process. */
const exit = process.exit.bind(process);

/** A driver's module or callback has left work behind that failed: no result can be trusted. */
process.on('unhandledRejection', (reason) => {
  finished = true;
  process.stderr.write(`pinless: a promise of a driver failed: ${messageOf(reason)}\n`);
  exit(EXIT_USAGE);
});

process.on('exit', () => {
  if (finished) return;
  process.stderr.write('pinless: a module of --drivers never finished loading\n');
  process.exitCode = EXIT_USAGE;
});

void run(process.argv.slice(2), version, {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  showsProgress: process.stderr.isTTY,
}).then((status) => {
  finished = true;
  process.exitCode = status;
});
