import { isErrno } from '../../base/index.js';
import { Condition, type Simulation, type Task } from '../../engine/index.js';
import type { CapturedRequest, Operation } from '../capture/index.js';
import type { CompletionQueue, SendWorkRequest, WorkCompletion } from '../../../devices/nic/index.js';
import type { Connections } from './connections.js';
import type { KeyLife } from './memory-layout.js';
import type { ReplayHost } from './replay-host.js';

/** Why a request of the capture was not posted; the text is for reports. */
export const NOT_POSTED_TEXT = {
  'no-memory': 'to a key whose memory could not be laid out',
  'read-budget': 'READ of more data than a capture of this size can stand for',
} as const;

export type NotPostedReason = keyof typeof NOT_POSTED_TEXT;

/** Requests that were left out for one reason, and where the first of them is in the capture. */
export interface NotPosted {
  readonly reason: NotPostedReason;
  count: number;
  readonly firstFrame: number;
  readonly firstOffset: number;
}

/** The kernel refused to register memory that the capture needs: the application would have ended here. */
export class RegistrationRefused extends Error {
  override readonly name = 'RegistrationRefused';

  constructor(
    readonly life: KeyLife,
    override readonly cause: Error & { readonly code: string },
  ) {
    super(
      `reg_mr of ${String(life.length)} bytes for rkey 0x${life.rKey.toString(16)} of ${life.owner}: ${cause.message}`,
    );
  }
}

export interface ReplayOptions {
  /** Post each request as soon as the one before it was posted, at most 64 outstanding, instead of at its captured time. */
  readonly asFastAsPossible: boolean;
  /** Bytes that READs may ask for in all. */
  readonly readBudget: number;
}

/** Told how a request ended. `mark` is the number that its DMA operations carry. */
export type CompletionListener = (mark: number, completion: WorkCompletion, latencyNs: number) => void;

/** A request that has not completed. */
interface Outstanding {
  readonly postedAt: number;
  /** The key it uses; null for none. */
  readonly key: string | null;
}

/** Registration is started that long before a key's first use, as its user did before telling the other side. */
const REGISTRATION_LEAD = 200_000;
/** Requests outstanding at once when they are posted as fast as possible. */
const DEPTH = 64;

/** Posts the requests of a capture on emulated queue pairs and hears of their completions. */
export class Replayer {
  /** Requests posted, those that completed with success, and those that did not. */
  posted = 0;
  completed = 0;
  errors = 0;
  /** Virtual time in ns of the first post and of the last completion. */
  firstPostAt = 0;
  lastCompletionAt = 0;
  readonly notPosted = new Map<NotPostedReason, NotPosted>();

  private readonly outstanding = new Map<number, Outstanding>();
  /** Outstanding requests per key, by the key's owner and number. */
  private readonly keyUsers = new Map<string, number>();
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
  }

  /**
   * Registers the keys that user-space programs held all along, before the traffic begins.
   * @throws RegistrationRefused
   */
  *registerStandingKeys(): Task {
    for (const host of this.hosts.values()) {
      if (host.registry.keysComeAndGo) continue;
      for (const life of host.layout?.lives ?? []) yield* this.ensure(host, life);
    }
  }

  /**
   * Posts everything and waits for the last completion.
   * @throws RegistrationRefused
   */
  *run(requests: Iterable<CapturedRequest>, completions: CompletionQueue): Task {
    const subscription = completions.completions$.subscribe((completion) => {
      this.completion(completion);
    });
    const start = this.simulation.now;
    for (const host of this.hosts.values()) this.manageKeys(host, start);
    for (const request of requests) {
      if (this.options.asFastAsPossible) {
        while (this.outstanding.size >= DEPTH) yield this.progress;
      } else {
        const due = start + request.timeNs;
        if (due > this.simulation.now) yield due - this.simulation.now;
      }
      yield* this.post(request);
    }
    while (this.outstanding.size > 0) yield this.progress;
    subscription.unsubscribe();
  }

  private manageKeys(host: ReplayHost, start: number): void {
    host.nic.invalidated$.subscribe((mkey) => {
      host.registry.invalidated(mkey.rkey);
    });
    if (!host.registry.keysComeAndGo || this.options.asFastAsPossible) return;
    this.simulation.spawn(`key management of ${host.name}`, this.registerAhead(host, start), { daemon: true });
  }

  private *registerAhead(host: ReplayHost, start: number): Task {
    for (const life of host.layout?.lives ?? []) {
      const due = start + life.key.firstUseNs - REGISTRATION_LEAD;
      if (due > this.simulation.now) yield due - this.simulation.now;
      this.simulation.spawn(`reg_mr 0x${life.rKey.toString(16)}`, this.ensure(host, life), { daemon: true });
    }
  }

  private *ensure(host: ReplayHost, life: KeyLife): Task {
    try {
      yield* host.registry.ensure(life);
    } catch (error) {
      if (isErrno(error)) throw new RegistrationRefused(life, error);
      throw error;
    }
  }

  private *post(request: CapturedRequest): Task {
    const work = yield* this.workRequest(request);
    if (work === null) return;
    if (this.posted === 0) this.firstPostAt = this.simulation.now;
    this.posted++;
    const key = work.rkey === undefined ? null : keyName(request.flow.responder, work.rkey);
    this.outstanding.set(work.wrId, { postedAt: this.simulation.now, key });
    if (key !== null) this.keyUsers.set(key, (this.keyUsers.get(key) ?? 0) + 1);
    this.connections.requesterOf(request.flow).postSend(work);
  }

  private *workRequest(request: CapturedRequest): Task<SendWorkRequest | null> {
    const { operation, payload, payloadMissing, immediate, invalidateRKey } = request;
    // Of a message whose end was not captured, what was captured is sent.
    const length = request.complete ? request.length : (payload?.length ?? 0);
    const mark = this.posted + 1;
    const base = {
      wrId: mark,
      mark,
      opcode: operation,
      length,
      local: payload !== null && payloadMissing === 0 ? payload : null,
      ...(immediate === undefined ? {} : { immediate }),
      ...(invalidateRKey === undefined ? {} : { invalidateRkey: invalidateRKey }),
    };
    if (operation === 'SEND') {
      if (invalidateRKey !== undefined) yield* this.untilUnused(keyName(request.flow.responder, invalidateRKey));
      return base;
    }
    if (length === 0 && operation !== 'FLUSH') return { ...base, remoteAddress: 0, rkey: request.rKey };
    if (operation === 'RDMA_READ' && !this.withinBudget(request)) return null;

    const host = this.hosts.get(request.flow.responder);
    const life = host?.registry.lifeAt(request.rKey, request.timeNs);
    if (host === undefined || life === undefined || life === null || !covers(life, request, length)) {
      this.leaveOut('no-memory', request);
      return null;
    }
    yield* this.ensure(host, life);
    const remoteAddress = life.address + Number(request.remoteAddress - life.captured);
    return { ...base, remoteAddress, rkey: life.rKey, ...operands(operation, request) };
  }

  /** Nobody gives a key up before what he asked of it is done, however long that takes here. */
  private *untilUnused(key: string): Task {
    while ((this.keyUsers.get(key) ?? 0) > 0) yield this.progress;
  }

  private withinBudget(request: CapturedRequest): boolean {
    this.readBytes += request.length;
    if (this.readBytes <= this.options.readBudget) return true;
    this.readBytes -= request.length;
    this.leaveOut('read-budget', request);
    return false;
  }

  private leaveOut(reason: NotPostedReason, { frame, offset }: CapturedRequest): void {
    const entry = this.notPosted.get(reason);
    if (entry !== undefined) entry.count++;
    else this.notPosted.set(reason, { reason, count: 1, firstFrame: frame, firstOffset: offset });
  }

  private completion(completion: WorkCompletion): void {
    const request = this.outstanding.get(completion.wrId);
    if (request === undefined) return;
    this.outstanding.delete(completion.wrId);
    const { postedAt, key } = request;
    if (key !== null) this.keyUsers.set(key, (this.keyUsers.get(key) ?? 1) - 1);
    const { now } = this.simulation;
    this.lastCompletionAt = now;
    if (completion.status === 'IBV_WC_SUCCESS') this.completed++;
    else this.errors++;
    this.onComplete(completion.wrId, completion, now - postedAt);
    this.progress.notifyAll();
  }
}

function keyName(owner: string, rkey: number): string {
  return `${owner} ${String(rkey)}`;
}

function covers(life: KeyLife, { remoteAddress }: CapturedRequest, length: number): boolean {
  const first = remoteAddress - life.captured;
  return first >= 0n && first + BigInt(length) <= BigInt(life.length);
}

function operands(operation: Operation, request: CapturedRequest): Partial<SendWorkRequest> {
  switch (operation) {
    case 'ATOMIC_CMP_AND_SWP':
    case 'ATOMIC_FETCH_AND_ADD':
      return { compare: request.compare ?? 0n, swapOrAdd: request.swapOrAdd ?? 0n };
    case 'FLUSH':
      return { placement: request.placement ?? 1, selectivity: request.selectivity ?? 0 };
    default:
      return {};
  }
}
