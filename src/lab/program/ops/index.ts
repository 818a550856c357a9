import type { OpHandlers } from '../op-handler.js';
import { accessOps } from './access.js';
import { adviceOps } from './advice.js';
import { directOps } from './direct.js';
import { fileOps } from './files.js';
import { ksmOps } from './ksm.js';
import { mappingOps } from './mapping.js';
import { numaOps } from './numa.js';
import { probeOps } from './probe.js';
import { processOps } from './process.js';
import { rdmaOps } from './rdma.js';
import { syncOps } from './sync.js';
import { userfaultfdOps } from './userfaultfd.js';

/** Every op that is modelled. */
export const OP_HANDLERS: OpHandlers = {
  ...accessOps,
  ...adviceOps,
  ...directOps,
  ...fileOps,
  ...ksmOps,
  ...mappingOps,
  ...numaOps,
  ...probeOps,
  ...processOps,
  ...rdmaOps,
  ...syncOps,
  ...userfaultfdOps,
};
