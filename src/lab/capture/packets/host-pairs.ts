/** No id: there are too many pairs. */
export const NO_PAIR = -1;
const MAX_PAIRS = 1 << 18;

/** Numbers the ordered pairs of hosts between which requests go, so that a flow's key is one number. */
export class HostPairs {
  private readonly ids = new Map<number, number>();
  private readonly requesters: number[] = [];
  private readonly responders: number[] = [];

  /**
   * The number of the pair in which `requester` sends requests to `responder`, by their numbers in the host table;
   * {@link NO_PAIR} beyond {@link MAX_PAIRS}.
   */
  idOf(requester: number, responder: number): number {
    const key = requester * 2 ** 26 + responder;
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.requesters.length;
      if (id >= MAX_PAIRS) return NO_PAIR;
      this.ids.set(key, id);
      this.requesters.push(requester);
      this.responders.push(responder);
    }
    return id;
  }

  requesterOf(pair: number): number {
    return this.requesters[pair];
  }

  responderOf(pair: number): number {
    return this.responders[pair];
  }

  /** The pair for requests the other way. */
  reverseOf(pair: number): number {
    return this.idOf(this.responderOf(pair), this.requesterOf(pair));
  }
}
