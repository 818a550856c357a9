import { quantileSorted } from 'simple-statistics';
import { Gate, SEC, TaskFailure, type Task, type TraceSink } from '../../engine/index.js';
import { createWorld, type World } from '../../kernel/index.js';
import { DriverFactory, type DeviceDriver, type MemoryRegion } from '../../../devices/contract/index.js';
import { CompletionQueue, Nic, PacketPool, type DmaOp } from '../../../devices/nic/index.js';
import { DriverError } from '../../../notifiers/index.js';
import { readRequests, type CapturedRequest, type CaptureSummary } from '../capture/index.js';
import {
  Connections,
  RegistrationRefused,
  ReplayClock,
  ReplayHost,
  Replayer,
  type HostLayout,
} from '../replay/index.js';
import {
  AcknowledgedData,
  NO_HARM,
  PromiseWatch,
  addVerdicts,
  judge,
  worseOf,
  type Verdict,
} from '../verdict/index.js';
import type { ColumnPlan, ColumnResult, Refusal } from './column.js';
import type { CompareOptions } from './options.js';

/** READs may ask for that many times the capture's own size, and 64 MiB: what a real capture can stand for. */
const READ_BUDGET_FACTOR = 64;
const READ_BUDGET_BASE = 2 ** 26;

/** Silences of the capture are not shortened below this, nor below what writeback takes to have written everything. */
const LONGEST_SILENCE = 60 * SEC;
/** Nothing has completed for so long, and for as long as a hundred accesses to the disk: nothing will. */
const PATIENCE = 10 * SEC;

/** One column: the capture replayed with one driver under one policy, up to the power loss and the verdict. */
export class ColumnRun {
  private readonly world: World;
  private readonly hosts = new Map<string, ReplayHost>();
  /** Files that others reach: what was promised of their data, and whether it holds. */
  private readonly watched = new Map<ReplayHost, { readonly data: AcknowledgedData; readonly watch: PromiseWatch }>();
  private readonly regionListeners: ((region: MemoryRegion) => void)[] = [];
  private readonly finishers: (() => void)[];
  private readonly completions: CompletionQueue;
  private readonly replayer: Replayer;
  private readonly latencies: number[] = [];
  private readonly staleReads = new Set<number>();
  private readonly fsync = { count: 0, totalNs: 0, waitedForDeviceNs: 0 };
  private worst: Verdict = NO_HARM;
  /** Virtual time of the worst moment. */
  private worstAt = 0;
  private residentPages = 0;
  private readonly trafficOver: Gate;
  private readonly clock: ReplayClock;

  constructor(
    private readonly options: CompareOptions,
    private readonly plan: ColumnPlan,
    private readonly summary: CaptureSummary,
    layouts: readonly HostLayout[],
    trace: TraceSink,
  ) {
    const { seed, memory, fileSystem, disk, writeback } = options;
    const { policy, plugin } = plan;
    this.world = createWorld({ seed, memory, fileSystem, disk, writeback, policy, modules: [plugin.module] });
    const { simulation } = this.world;
    simulation.trace.attach(trace);
    this.trafficOver = new Gate(simulation, 'the traffic');
    this.clock = new ReplayClock(
      summary.silences,
      Math.max(LONGEST_SILENCE, 2 * (writeback.expire + writeback.writeback) + options.fsyncPeriod),
    );
    this.completions = new CompletionQueue(simulation, 'completions');
    this.addHosts(layouts);
    const receives = new CompletionQueue(simulation, 'receives');
    this.replayer = new Replayer(
      simulation,
      this.hosts,
      new Connections(this.hosts, this.completions, receives),
      {
        asFastAsPossible: options.asFastAsPossible,
        readBudget: READ_BUDGET_FACTOR * summary.bytes + READ_BUDGET_BASE,
        refused: summary.refused,
        clock: this.clock,
        patience: PATIENCE + 100 * (disk.readLatency + disk.writeLatency),
      },
      (mark, { status }, latencyNs) => {
        this.latencies.push(latencyNs);
        for (const { data } of this.watched.values()) data.completed(mark, status === 'IBV_WC_SUCCESS');
      },
    );
    this.finishers = options.monitors.map((monitor) =>
      monitor({
        world: this.world,
        nics: [...this.hosts.values()].map(({ nic }) => nic),
        driver: plugin.manifest,
        onRegion: (listener) => this.regionListeners.push(listener),
      }),
    );
  }

  /** Runs to the end. A refused registration is a result, not an error. */
  run(): ColumnResult {
    try {
      this.world.simulation.runTask('replay', this.replay());
    } catch (error) {
      const cause = error instanceof TaskFailure ? error.cause : error;
      if (cause instanceof RegistrationRefused) return this.result(refusalOf(cause));
      throw error;
    }
    return this.result();
  }

  private *replay(): Task {
    const { simulation } = this.world;
    for (const host of this.hosts.values()) yield* host.start();
    yield* this.replayer.registerStandingKeys();
    if (this.options.fsyncPeriod > 0) {
      for (const host of this.hosts.values()) {
        if (host.inode === null) continue;
        simulation.spawn(`fsync of ${host.name}`, this.fsyncPeriodically(host), { daemon: true });
      }
    }
    // A server has been up for a while when its clients come: what registration dirtied has been written since.
    yield this.options.fsyncPeriod;
    yield* this.replayer.run(this.requests(), this.completions);
    this.trafficOver.open();
    for (const host of this.hosts.values()) yield* this.syncOnce(host);
    for (const finish of this.finishers) finish();
    this.world.kernel.fs.device.powerLoss();
    this.world.kernel.fs.recover();
  }

  private *requests(): Generator<CapturedRequest, void, void> {
    const { capture, icrc, onProgress } = this.options;
    const label = `${this.plan.plugin.manifest.name} ${this.plan.policy.id}`;
    const events = readRequests(capture, {
      icrc,
      onProgress: (done, total) => onProgress?.(label, done, total),
    });
    for (const event of events) if (event.kind === 'request') yield event.request;
  }

  private *fsyncPeriodically(host: ReplayHost): Task {
    const { simulation } = this.world;
    const { fsyncPeriod } = this.options;
    // Whoever calls fsync did not begin with the traffic: the seed says where in its period it is.
    let next = simulation.now + simulation.random.split(`fsync of ${host.name}`).between(1, fsyncPeriod);
    for (;;) {
      yield Math.max(0, next - simulation.now);
      // After the traffic the last fsync is the run's own.
      if (this.trafficOver.isOpen) return;
      yield* this.syncOnce(host);
      next = Math.max(simulation.now, next + fsyncPeriod);
    }
  }

  private *syncOnce(host: ReplayHost): Task {
    const { inode } = host;
    if (inode === null) return;
    const watched = this.watched.get(host);
    const returned = watched?.data.fsyncBegins();
    const cost = yield* this.world.kernel.fsync(inode);
    if (watched !== undefined && returned !== undefined) {
      this.noteMoment(watched.watch, returned());
    }
    this.fsync.count++;
    this.fsync.totalNs += cost.ns;
    this.fsync.waitedForDeviceNs += cost.deviceWaitNs;
    const resident = [...this.hosts.values()].reduce(
      (sum, { inode: file }) => sum + (file?.mapping.pages.size ?? 0),
      0,
    );
    this.residentPages = Math.max(this.residentPages, resident);
  }

  /** What a power loss would take at this moment, of all files: a commit is everybody's. `synced` is the file just synced. */
  private noteMoment(synced: PromiseWatch, covered: ReadonlySet<number>): void {
    let now = NO_HARM;
    for (const { watch } of this.watched.values()) {
      watch.look(watch === synced ? covered : NO_PAGES);
      now = addVerdicts(now, watch.now);
    }
    if (isWorse(now, this.worst)) this.worstAt = this.world.simulation.now;
    this.worst = worseOf(this.worst, now);
  }

  private addHosts(layouts: readonly HostLayout[]): void {
    const { kernel, simulation } = this.world;
    const pool = new PacketPool();
    for (const name of hostNames(this.summary)) {
      const nic = new Nic(simulation, kernel.mm.memory, pool, name, this.options.device);
      const driver = this.createDriver(nic);
      nic.attach(driver);
      const layout = layouts.find((candidate) => candidate.host === name) ?? null;
      const host = new ReplayHost(kernel, name, nic, driver, layout, this.options.content);
      host.onRegion = (region) => {
        for (const listener of this.regionListeners) listener(region);
      };
      this.hosts.set(name, host);
      if (host.inode === null) continue;
      const data = new AcknowledgedData();
      this.watched.set(host, { data, watch: new PromiseWatch(host.inode, data) });
      nic.dma.issued$.subscribe((op) => {
        this.onDma(host, data, op);
      });
    }
  }

  private createDriver(nic: Nic): DeviceDriver {
    const { container, kernel } = this.world;
    try {
      return container.get<DriverFactory>(DriverFactory)(nic, kernel);
    } catch (error) {
      throw new DriverError(this.plan.plugin.manifest.name, 'create', nic.name, error);
    }
  }

  private onDma(host: ReplayHost, data: AcknowledgedData, op: DmaOp): void {
    if (op.mkey === null || op.kind === 'call') return;
    const page = host.filePage(op.address);
    if (page < 0) return;
    if (op.kind === 'write') {
      data.written(op.mark, page, op.offset, op.length, op.stamp);
    } else if (data.isStale(page, op.offset, op.length, this.world.kernel.mm.memory.contents, op.frame)) {
      this.staleReads.add(op.mark);
    }
  }

  private result(refused?: Refusal): ColumnResult {
    const { replayer, plan, world } = this;
    const durationNs = replayer.lastCompletionAt - replayer.firstPostAt;
    const watched = [...this.watched.entries()];
    const acknowledgedBytes = watched.reduce((all, [, { data }]) => all + data.acknowledgedBytes, 0);
    const atEnd =
      refused === undefined
        ? watched.reduce((all, [{ inode }, { data }]) => (inode ? addVerdicts(all, judge(inode, data)) : all), NO_HARM)
        : NO_HARM;
    const worst = worseOf(this.worst, atEnd);
    const worstAt = isWorse(atEnd, this.worst) ? world.simulation.now : this.worstAt;
    const hosts = [...this.hosts.values()];
    const total = (pick: (host: ReplayHost) => number): number => hosts.reduce((all, host) => all + pick(host), 0);
    return {
      driver: plan.plugin.manifest.name,
      policy: plan.policy.id,
      ...(refused === undefined ? {} : { refused }),
      requests: replayer.posted,
      completed: replayer.completed,
      errors: replayer.errors,
      unfinished: replayer.unfinished,
      acknowledgedBytes,
      promisedBytes: watched.reduce((all, [, { data }]) => all + data.promisedBytes, 0),
      ...worst,
      worstMomentNs: worstAt === 0 ? 0 : worstAt - replayer.firstPostAt,
      atEnd,
      staleReads: this.staleReads.size,
      fsErrors: world.kernel.fs.complaints,
      latencyNs: quantiles(this.latencies),
      deviceFaults: total(({ nic }) => nic.stats.pageFaults),
      invalidations: total(({ driver }) => driver.stats.invalidations),
      rnrNaks: total(({ nic }) => nic.stats.rnrNaksSent),
      retransmits: total(({ nic }) => nic.stats.retransmits),
      pinnedPages: world.kernel.mm.pins.peak,
      residentPages: this.residentPages,
      fsync: this.fsync,
      durationNs,
      throughputBytesPerSecond: durationNs === 0 ? 0 : Math.round((replayer.bytes * SEC) / durationNs),
      shortenedNs: this.clock.shortenedNs,
      notPosted: replayer.notPosted.list(),
    };
  }
}

const NO_PAGES: ReadonlySet<number> = new Set();

/** More bytes lost; where none are, more blocks torn or unreadable. */
function isWorse(a: Verdict, b: Verdict): boolean {
  if (a.lostBytes !== b.lostBytes) return a.lostBytes > b.lostBytes;
  return a.tornBlocks + a.badChecksums > b.tornBlocks + b.badChecksums;
}

function hostNames(summary: CaptureSummary): string[] {
  return [...new Set(summary.flows.flatMap(({ requester, responder }) => [requester, responder]))].sort();
}

function refusalOf({ life, cause }: RegistrationRefused): Refusal {
  return { errno: cause.code, reason: cause.message, host: life.owner, rkey: life.rKey };
}

function quantiles(values: readonly number[]): ColumnResult['latencyNs'] {
  if (values.length === 0) return { p50: 0, p99: 0, max: 0 };
  const sorted = Float64Array.from(values).sort();
  const at = (p: number): number => Math.round(quantileSorted(sorted as unknown as number[], p));
  return { p50: at(0.5), p99: at(0.99), max: sorted[sorted.length - 1] };
}
