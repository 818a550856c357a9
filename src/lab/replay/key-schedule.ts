import { isErrno } from '../../base/index.js';
import { SEC, US, type Simulation, type Task } from '../../engine/index.js';
import type { KeyLife } from './memory-layout.js';
import type { ReplayClock } from './replay-clock.js';
import type { ReplayHost } from './replay-host.js';

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

/** A kernel user registers that long before a key's first use, and then tells the other side. */
const REGISTRATION_LEAD = 200 * US;
/** A server has been up that long when its first client comes. */
const SERVER_LEAD = 2 * SEC;

export interface KeyScheduleOptions {
  /** There are no captured times to go by: keys are registered when they are first used and retired after their last use. */
  readonly asFastAsPossible: boolean;
  /** When captured times are here. */
  readonly clock: ReplayClock;
}

/** When the hosts of a replay register their keys, and when they give them up. */
export class KeySchedule {
  constructor(
    private readonly simulation: Simulation,
    private readonly hosts: readonly ReplayHost[],
    private readonly options: KeyScheduleOptions,
  ) {}

  /**
   * Before the traffic: registers what its first users need.
   * @throws RegistrationRefused
   */
  *registerStanding(): Task {
    for (const host of this.hosts) {
      for (const life of this.livesOf(host)) {
        if (!host.registry.keysComeAndGo && this.registrationAt(host, life) <= 0) yield* this.ensure(host, life);
      }
    }
  }

  /** The traffic begins at virtual time `start`. */
  begin(start: number): void {
    for (const host of this.hosts) {
      host.nic.invalidated$.subscribe((mkey) => {
        host.registry.invalidated(mkey.rkey);
      });
      if (this.livesOf(host).length === 0) continue;
      if (!this.options.asFastAsPossible) {
        this.simulation.spawn(`registrations of ${host.name}`, this.registerAhead(host, start), { daemon: true });
      }
      this.simulation.spawn(`deregistrations of ${host.name}`, this.retireDisconnected(host, start), { daemon: true });
    }
  }

  /**
   * Registers a key unless that was done, and waits until it is.
   * @throws RegistrationRefused
   */
  *ensure(host: ReplayHost, life: KeyLife): Task {
    try {
      yield* host.registry.ensure(life);
    } catch (error) {
      if (isErrno(error)) throw new RegistrationRefused(life, error);
      throw error;
    }
  }

  private *registerAhead(host: ReplayHost, start: number): Task {
    for (const life of this.livesOf(host)) {
      const due = start + this.registrationAt(host, life);
      if (due > this.simulation.now) yield due - this.simulation.now;
      this.simulation.spawn(`reg_mr 0x${life.rKey.toString(16)}`, this.ensure(host, life), { daemon: true });
    }
  }

  private *retireDisconnected(host: ReplayHost, start: number): Task {
    const { clock } = this.options;
    const ending = this.livesOf(host)
      .flatMap((life) => (life.key.end.how === 'disconnected' ? [{ life, at: clock.at(life.key.end.timeNs) }] : []))
      .sort((a, b) => a.at - b.at);
    for (const { life, at } of ending) {
      const due = this.options.asFastAsPossible ? 0 : start + at;
      if (due > this.simulation.now) yield due - this.simulation.now;
      this.simulation.spawn(`end of rkey 0x${life.rKey.toString(16)}`, host.registry.retire(life), { daemon: true });
    }
  }

  /** When a key is to be registered, in ns from the start of the traffic; before it if not greater than 0. */
  private registrationAt(host: ReplayHost, { key }: KeyLife): number {
    return this.options.clock.at(key.firstUseNs) - (host.registry.keysComeAndGo ? REGISTRATION_LEAD : SERVER_LEAD);
  }

  private livesOf(host: ReplayHost): readonly KeyLife[] {
    return host.layout?.lives ?? [];
  }
}
