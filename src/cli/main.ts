#!/usr/bin/env node
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { run } from './run.js';

/** Standard output that is closed early (`pinless … | head`) is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

process.exitCode = await run(process.argv.slice(2), version, {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  showsProgress: process.stderr.isTTY,
});
