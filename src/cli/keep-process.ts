import { syncBuiltinESMExports } from 'node:module';

/**
 * From here on, code that ends the process throws instead. Whoever runs other people's drivers calls it before they are
 * loaded: a driver that ends the process would take its verdict along, and its exit status would be taken for one.
 */
export function keepProcess(): void {
  process.exit = (code?: number | string | null): never => {
    throw new Error(`the driver ended the process: it called process.exit(${String(code ?? '')})`);
  };
  process.abort = (): never => {
    throw new Error('the driver ended the process: it called process.abort()');
  };
  // What `import { exit } from 'node:process'` gives, too.
  syncBuiltinESMExports();
}
