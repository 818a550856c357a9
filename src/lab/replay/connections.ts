import type { Flow } from '../capture/index.js';
import type { CompletionQueue, QueuePair } from '../../../devices/nic/index.js';
import type { ReplayHost } from './replay-host.js';

/** One end of an open connection: its queue pair, and what the capture calls it. */
interface End {
  readonly host: string;
  /** Captured queue pair number; undefined if the capture does not show it. */
  readonly qpn: number | undefined;
  readonly qp: QueuePair;
}

type Connection = readonly [End, End];

/**
 * The queue pairs of a replay. A connection that carries requests both ways is one pair, as it was; where the capture
 * does not show which two directions belong together, each direction has its own. A connection that failed is opened
 * again at the next request, as its user would do.
 */
export class Connections {
  private readonly byFlow = new Map<number, { readonly connection: Connection; readonly requester: QueuePair }>();
  private readonly open = new Set<Connection>();

  constructor(
    private readonly hosts: ReadonlyMap<string, ReplayHost>,
    private readonly sendCq: CompletionQueue,
    private readonly recvCq: CompletionQueue,
  ) {}

  /** The queue pair that posts a flow's requests. */
  requesterOf(flow: Flow): QueuePair {
    const known = this.byFlow.get(flow.id);
    if (known !== undefined && isAlive(known.connection)) return known.requester;
    if (known !== undefined) this.close(known.connection);
    const connection = this.findReverse(flow) ?? this.connect(flow);
    const requester = connection[0].host === flow.requester ? connection[0].qp : connection[1].qp;
    this.byFlow.set(flow.id, { connection, requester });
    return requester;
  }

  /** The connection whose other direction this flow is, if it is open. */
  private findReverse(flow: Flow): Connection | null {
    if (flow.requesterQpn === undefined) return null;
    for (const connection of this.open) {
      const [responder, requester] = connection;
      if (
        responder.host === flow.responder &&
        responder.qpn === flow.responderQpn &&
        requester.host === flow.requester &&
        requester.qpn === flow.requesterQpn &&
        isAlive(connection)
      ) {
        return connection;
      }
    }
    return null;
  }

  /** Opens a connection for a flow. The requester comes first: `findReverse` looks for it from the other side. */
  private connect(flow: Flow): Connection {
    const here = this.host(flow.requester).nic;
    const there = this.host(flow.responder).nic;
    const init = { sendCq: this.sendCq, recvCq: this.recvCq, bottomlessReceive: true };
    const requester = here.createQp(init);
    const responder = there.createQp(init);
    requester.connect(there, responder.qpn, { pathMtu: flow.pathMtu });
    responder.connect(here, requester.qpn, { pathMtu: flow.pathMtu });
    const connection: Connection = [
      { host: flow.requester, qpn: flow.requesterQpn, qp: requester },
      { host: flow.responder, qpn: flow.responderQpn, qp: responder },
    ];
    this.open.add(connection);
    return connection;
  }

  private close(connection: Connection): void {
    if (!this.open.delete(connection)) return;
    for (const { qp } of connection) qp.nic.destroyQp(qp);
  }

  private host(name: string): ReplayHost {
    const host = this.hosts.get(name);
    if (host === undefined) throw new Error(`host ${name} is not part of the replay`);
    return host;
  }
}

function isAlive(connection: Connection): boolean {
  return connection.every(({ qp }) => qp.state === 'RTS');
}
