import { US } from '../../src/engine/index.js';

/** A cost that grows with the number of pages: `base` for one page and `perPage` for each further one, in ns. */
export interface PageCost {
  readonly base: number;
  readonly perPage: number;
}

/** What a NIC is like. Data, not code: a new device is a new object. Times in ns. */
export interface DeviceProfile {
  readonly name: string;
  /** Where the figures come from. */
  readonly source: string;
  readonly link: {
    readonly bitsPerSecond: number;
    /** From the last bit sent to the first thing that the other side does about it. */
    readonly latency: number;
    /** Bytes that each packet carries besides BTH, extensions, payload and pad: Ethernet to UDP, ICRC, FCS, gap. */
    readonly overheadBytes: number;
  };
  readonly dma: {
    /** From a posted write to its data in memory. */
    readonly writeLatency: number;
    /** From a read request to its data in the NIC. */
    readonly readLatency: number;
    /** Speed of the bus to memory. */
    readonly bytesPerSecond: number;
  };
  /** ibv_qp_attr defaults: what perftest and ibv_rc_pingpong set. */
  readonly qp: {
    /** Local ACK timeout code: 4.096 us * 2^timeout, 0 is never. */
    readonly timeout: number;
    /** 0 to 7 */
    readonly retryCnt: number;
    /** 0 to 7, 7 is for ever */
    readonly rnrRetry: number;
    /** RNR NAK timer code, 0 to 31. */
    readonly minRnrTimer: number;
    /** READs, atomics and other requests with a response of their own that it may have outstanding as requester. */
    readonly maxRdAtomic: number;
    /** The same for what it takes as responder: one more is an invalid request. */
    readonly maxDestRdAtomic: number;
  };
  /** PSNs that a requester may have sent without an ACK. */
  readonly maxUnackedPackets: number;
  readonly odp: {
    /** Responder met a missing page: tell the requester to wait (RNR NAK), or say nothing and keep the packets. */
    readonly responder: 'rnr-nak' | 'stall';
    /** Ask for the pages of the whole message at once, or of one packet. */
    readonly scope: 'message' | 'packet';
    /** Most pages that one fault asks for. */
    readonly maxPages: number;
    /** mlx5 asks for write access to a writable region even to read from it. */
    readonly faultsForWriteIfWritable: boolean;
    /** The page fault event reaches the driver. */
    readonly trigger: PageCost;
    /** The driver gets the addresses from the kernel, besides what the kernel itself takes. */
    readonly driver: PageCost;
    /** The new translations reach the device. */
    readonly update: PageCost;
    /** The operation goes on. */
    readonly resume: number;
    readonly invalidate: {
      /** Paid for every invalidation of a region. */
      readonly check: PageCost;
      /** Paid if the device had any of the pages. */
      readonly update: PageCost;
      readonly bookkeeping: PageCost;
    };
  };
  readonly registration: {
    readonly register: PageCost;
    readonly deregister: PageCost;
  };
}

export function pageCost(cost: PageCost, pages: number): number {
  return Math.round(cost.base + cost.perPage * Math.max(0, pages - 1));
}

/**
 * A ConnectX-class RoCE NIC with the page-fault costs that were published for Connect-IB: Lesokhin et al., "Page Fault
 * Support for Network Controllers", ASPLOS'17, figure 3. A small READ takes the 2.8 us of a ConnectX-4 over RoCE (Storm,
 * SYSTOR'19, table 4); registration as UCX estimates it; the rest are mlx5's habits.
 */
export const CONNECTX: DeviceProfile = {
  name: 'connectx',
  source: 'NPF (ASPLOS 2017) fig. 3; Storm (SYSTOR 2019) table 4; UCX ib_md.c; mlx5 odp.c',
  link: { bitsPerSecond: 100_000_000_000, latency: 900, overheadBytes: 66 },
  dma: { writeLatency: 300, readLatency: 980, bytesPerSecond: 15_000_000_000 },
  qp: { timeout: 14, retryCnt: 7, rnrRetry: 7, minRnrTimer: 12, maxRdAtomic: 16, maxDestRdAtomic: 16 },
  maxUnackedPackets: 512,
  odp: {
    responder: 'rnr-nak',
    scope: 'message',
    maxPages: 1024,
    faultsForWriteIfWritable: true,
    trigger: { base: 129 * US, perPage: 24 },
    driver: { base: 5_700, perPage: 98 },
    update: { base: 6_700, perPage: 13 },
    resume: 78 * US,
    invalidate: {
      check: { base: 2_700, perPage: 1.4 },
      update: { base: 13_700, perPage: 30 },
      bookkeeping: { base: 400, perPage: 11.3 },
    },
  },
  registration: { register: { base: 16 * US, perPage: 250 }, deregister: { base: 17 * US, perPage: 62 } },
};

/**
 * Linux Soft-RoCE (rdma_rxe, 6.15 and later): the driver is the device, so faults are handled in the queue pair's worker
 * and the peer sees latency only. Round trip of 28 us (linux-rdma, 2026-05); the rest is what a software copy costs.
 */
export const RXE: DeviceProfile = {
  name: 'rxe',
  source: 'Linux rdma_rxe; round trip from linux-rdma 2026-05-13',
  link: { bitsPerSecond: 10_000_000_000, latency: 10 * US, overheadBytes: 66 },
  dma: { writeLatency: 200, readLatency: 200, bytesPerSecond: 10_000_000_000 },
  qp: { timeout: 14, retryCnt: 7, rnrRetry: 7, minRnrTimer: 12, maxRdAtomic: 16, maxDestRdAtomic: 16 },
  maxUnackedPackets: 128,
  odp: {
    responder: 'stall',
    scope: 'packet',
    maxPages: 2,
    faultsForWriteIfWritable: false,
    trigger: { base: 500, perPage: 0 },
    driver: { base: 500, perPage: 50 },
    update: { base: 100, perPage: 10 },
    resume: 500,
    invalidate: {
      check: { base: 100, perPage: 0 },
      update: { base: 100, perPage: 10 },
      bookkeeping: { base: 0, perPage: 0 },
    },
  },
  registration: { register: { base: 16 * US, perPage: 250 }, deregister: { base: 17 * US, perPage: 62 } },
};

/** What `--device` takes, by name. */
export const DEVICE_PROFILES: readonly DeviceProfile[] = [CONNECTX, RXE];
