import type { ConnectMessage } from '../packets/index.js';

/** What CM tells about a flow before its first packet. Hosts are numbers of the host table. */
export interface AnnouncedFlow {
  /** The client's communication id: the same in every message about the same connection, repeated ones included. */
  readonly communicationId: number;
  readonly requesterHost: number;
  readonly responderHost: number;
  readonly responderQpn: number;
  readonly startPsn: number;
  /** 0 when not known. */
  readonly pathMtu: number;
  readonly requesterQpn: number | undefined;
}

interface PendingRequest {
  readonly from: number;
  readonly to: number;
  readonly message: ConnectMessage;
}

const MAX_PENDING = 4096;

/** Pairs CM requests with their replies and says which flows they announce. */
export class ConnectionLedger {
  private readonly requests = new Map<number, PendingRequest>();

  /** A REQ announces the flow to its sender, a REP the flows in both directions. */
  note(message: ConnectMessage, from: number, to: number): AnnouncedFlow[] {
    if (message.type === 'REQ') {
      if (this.requests.size >= MAX_PENDING) this.requests.delete(this.requests.keys().next().value!);
      this.requests.set(message.localCommId, { from, to, message });
      return [flowTo(message, from, to, message.localCommId, message.pathMtu, undefined)];
    }
    const request = this.requests.get(message.remoteCommId);
    if (request === undefined || request.from !== to || request.to !== from) {
      return [flowTo(message, from, to, message.remoteCommId, 0, undefined)];
    }
    const { localCommId, qpn, pathMtu } = request.message;
    return [
      flowTo(message, from, to, localCommId, pathMtu, qpn),
      flowTo(request.message, to, from, localCommId, pathMtu, message.qpn),
    ];
  }
}

function flowTo(
  message: ConnectMessage,
  responderHost: number,
  requesterHost: number,
  communicationId: number,
  pathMtu: number,
  requesterQpn: number | undefined,
): AnnouncedFlow {
  const { qpn, startingPsn } = message;
  return {
    communicationId,
    requesterHost,
    responderHost,
    responderQpn: qpn,
    startPsn: startingPsn,
    pathMtu,
    requesterQpn,
  };
}
