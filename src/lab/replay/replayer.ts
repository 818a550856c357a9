import { Condition, type Simulation, type Task } from '../../engine/index.js';
import type { CapturedRequest } from '../capture/index.js';
import type { CompletionQueue, SendWorkRequest, WorkCompletion } from '../../../devices/nic/index.js';
import type { Connections } from './connections.js';
import { KeySchedule } from './key-schedule.js';
import type { KeyLife } from './memory-layout.js';
import { NotPostedLedger, type NotPostedReason } from './not-posted.js';
import type { ReplayClock } from './replay-clock.js';
import type { ReplayHost } from './replay-host.js';
import { RequestPoster, type DueRequest } from './request-poster.js';
import { workRequest } from './work-requests.js';

/** How requests of a capture are posted again. */
export interface ReplayOptions {
  /** Post each request as soon as fewer than 64 are outstanding, instead of at its captured time. */
  readonly asFastAsPossible: boolean;
  /** When captured times are here. */
  readonly clock: ReplayClock;
  /** Bytes that READs may ask for in all. */
  readonly readBudget: number;
  /** ns without any progress, with nothing left to post, after which what is outstanding is given up. */
  readonly patience: number;
  /** Requests that the capture shows refused, by index: they are left out. */
  readonly refused: ReadonlySet<number>;
}

/** Told how a request ended. `mark` is the number that its DMA operations carry. */
export type CompletionListener = (mark: number, completion: WorkCompletion, latencyNs: number) => void;

/** A request that has not completed. */
interface Outstanding {
  /** When it was due, or could be posted at the earliest. */
  readonly since: number;
  readonly memory: RemoteMemory | null;
}

/** What a request reaches, and whose it is; the address is null if the key does not go that far. */
interface RemoteMemory {
  readonly host: ReplayHost;
  readonly life: KeyLife;
  readonly address: number | null;
}

/** Requests outstanding at once when they are posted as fast as possible. */
const DEPTH = 64;
/** Requests that are due and wait to be posted: past this many the capture is not read on. */
const MAX_WAITING = 65_536;

/** Posts the requests of a capture on emulated queue pairs and hears of their completions. */
export class Replayer {
  /** Requests posted, those that completed with success, and those that did not. */
  posted = 0;
  completed = 0;
  errors = 0;
  /** Bytes that those moved, in either direction. */
  bytes = 0;
  /** Virtual time in ns of the first post and of the last completion. */
  firstPostAt = 0;
  lastCompletionAt = 0;
  readonly notPosted = new NotPostedLedger();

  private readonly keys: KeySchedule;
  private readonly posters = new Map<number, RequestPoster>();
  private readonly outstanding = new Map<number, Outstanding>();
  /** Requests handed to a poster that it has not dealt with. */
  private waiting = 0;
  private gaveUp = false;
  private readonly progress: Condition;
  private readBytes = 0;

  constructor(
    private readonly simulation: Simulation,
    private readonly hosts: ReadonlyMap<string, ReplayHost>,
    private readonly connections: Connections,
    private readonly options: ReplayOptions,
    private readonly onComplete: CompletionListener,
  ) {
    this.progress = new Condition(simulation, 'a completion');
    this.keys = new KeySchedule(simulation, [...hosts.values()], options);
  }

  /**
   * Registers the keys that user-space programs hold when the traffic begins.
   * @throws RegistrationRefused
   */
  *registerStandingKeys(): Task {
    yield* this.keys.registerStanding();
  }

  /** Requests that were posted, or waited to be, and had not ended when the run was given up. */
  get unfinished(): number {
    return this.waiting + this.outstanding.size;
  }

  /**
   * Posts everything and waits for the last completion, or until nothing goes on any more.
   * @throws RegistrationRefused
   */
  *run(requests: Iterable<CapturedRequest>, completions: CompletionQueue): Task {
    const subscription = completions.completions$.subscribe((completion) => {
      this.completion(completion);
    });
    const start = this.simulation.now;
    this.keys.begin(start);
    for (const request of requests) {
      const due = yield* this.untilDue(start + this.options.clock.at(request.timeNs));
      if (this.gaveUp) break;
      this.waiting++;
      this.posterOf(request).add({ request, due });
    }
    while (this.unfinished > 0 && !this.gaveUp) yield* this.awaitProgress();
    subscription.unsubscribe();
  }

  /** @returns the time at which the next request is due */
  private *untilDue(captured: number): Task<number> {
    const { asFastAsPossible } = this.options;
    const most = asFastAsPossible ? DEPTH : MAX_WAITING;
    while (!this.gaveUp && this.waiting + (asFastAsPossible ? this.outstanding.size : 0) >= most) {
      yield* this.awaitProgress();
    }
    if (asFastAsPossible) return this.simulation.now;
    if (captured > this.simulation.now) yield captured - this.simulation.now;
    return captured;
  }

  /** A device whose pages are taken away faster than it can use them may never get anything done. */
  private *awaitProgress(): Task {
    this.gaveUp = !(yield* this.progress.waitFor(this.options.patience));
  }

  private posterOf({ flow }: CapturedRequest): RequestPoster {
    let poster = this.posters.get(flow.id);
    if (poster === undefined) {
      const name = `${flow.requester} to ${flow.responder} QP 0x${flow.responderQpn.toString(16)}`;
      poster = new RequestPoster(this.simulation, name, (due) => this.post(due));
      this.posters.set(flow.id, poster);
    }
    return poster;
  }

  private *post({ request, due }: DueRequest): Task {
    const memory = this.memoryOf(request);
    const reason = this.admit(request, memory);
    let since = due;
    if (reason === null) {
      if (memory !== null) yield* this.keys.ensure(memory.host, memory.life);
      if (request.invalidateRKey !== undefined) {
        // Nobody gives a key up before what he asked of it is done, however long that takes here.
        yield* this.untilUnused(request, request.invalidateRKey);
        since = Math.max(due, this.simulation.now);
      }
      const target = memory === null ? null : { life: memory.life, address: memory.address ?? 0 };
      this.postNow(workRequest(request, target, ++this.posted), request, { since, memory });
    } else {
      this.notPosted.add(reason, request);
      if (memory !== null) memory.host.registry.requestOver(memory.life);
    }
    this.waiting--;
    this.progress.notifyAll();
  }

  private postNow(work: SendWorkRequest, { flow }: CapturedRequest, outstanding: Outstanding): void {
    if (this.posted === 1) this.firstPostAt = this.simulation.now;
    this.outstanding.set(work.wrId, outstanding);
    this.connections.requesterOf(flow).postSend(work);
  }

  /** The memory that a request reaches; null if it reaches none, or none that was laid out. */
  private memoryOf(request: CapturedRequest): RemoteMemory | null {
    if (!reachesMemory(request) || this.options.refused.has(request.index)) return null;
    const host = this.hosts.get(request.flow.responder);
    const life = host?.registry.lifeAt(request.rKey, request.frame) ?? null;
    return host === undefined || life === null ? null : { host, life, address: addressIn(life, request) };
  }

  /** @returns why a request is to be left out; null if it is to be posted, which READs have to pay for */
  private admit(request: CapturedRequest, memory: RemoteMemory | null): NotPostedReason | null {
    if (this.options.refused.has(request.index)) return 'refused';
    if (!reachesMemory(request)) return null;
    if (memory === null || memory.address === null) return 'no-memory';
    if (request.operation !== 'RDMA_READ') return null;
    if (this.readBytes + request.length > this.options.readBudget) return 'read-budget';
    this.readBytes += request.length;
    return null;
  }

  private *untilUnused({ flow, frame }: CapturedRequest, rKey: number): Task {
    const registry = this.hosts.get(flow.responder)?.registry;
    const life = registry?.lifeAt(rKey, frame) ?? null;
    if (registry !== undefined && life?.key.end.how === 'invalidated') yield* registry.untilIdle(life);
  }

  private completion(completion: WorkCompletion): void {
    const request = this.outstanding.get(completion.wrId);
    if (request === undefined) return;
    this.outstanding.delete(completion.wrId);
    const { since, memory } = request;
    if (memory !== null) memory.host.registry.requestOver(memory.life);
    const { now } = this.simulation;
    this.lastCompletionAt = now;
    if (completion.status === 'IBV_WC_SUCCESS') {
      this.completed++;
      this.bytes += completion.byteLength;
    } else {
      this.errors++;
    }
    this.onComplete(completion.wrId, completion, now - since);
    this.progress.notifyAll();
  }
}

/** A request of no bytes names no memory, except a FLUSH, which may mean the whole region. */
function reachesMemory({ operation, length }: CapturedRequest): boolean {
  return operation !== 'SEND' && (operation === 'FLUSH' || length > 0);
}

/** FETH selectivity: the whole region, whatever address and length say. */
const WHOLE_REGION = 1;

function addressIn(life: KeyLife, request: CapturedRequest): number | null {
  if (request.operation === 'FLUSH' && request.selectivity === WHOLE_REGION) return life.address;
  return life.locate(request.remoteAddress, request.complete ? request.length : (request.payload?.length ?? 0));
}
