/** Both ends of a connection in the scenarios that run the whole classes: where its memory is, and the caller's socket. Test code. */

import type { Stage } from "../scenario.js";
import { type Fabric, HANDLE_ID, type ModelCaller, shared } from "./fabric.js";

export interface Rings {
  receive: Uint8Array;
  send: Uint8Array;
}

type Reference = ConstructorParameters<Stage["product"]["Slot"]>[1];
type RingPair = ConstructorParameters<Stage["product"]["Connection"]>[1];

/** Where the slot and its rings are, in the form that commands carry. */
export function places({ slot }: Fabric, { receive, send }: Rings): { slot: Reference; rings: RingPair } {
  return {
    slot: { handleId: HANDLE_ID, memory: shared(slot), offset: 0 },
    rings: {
      receive: { memory: shared(receive), offset: 0, capacity: receive.length },
      send: { memory: shared(send), offset: 0, capacity: send.length },
    },
  };
}

/** The link and the socket of the caller that opens the connection; `givenBack` is called when its memory is free again. */
export function openConnection(
  { product }: Stage,
  fabric: Fabric,
  ends: Rings,
  caller: ModelCaller,
  port: object,
  broadcast: string,
  accepted: boolean,
  givenBack: () => void,
) {
  const { slot, rings } = places(fabric, ends);
  const link = new product.WorkerLink(
    caller as never,
    broadcast,
    shared(fabric.worker),
    shared(fabric.link),
    port as never,
  );
  const memory = { words: fabric.slot, reference: slot, ringReferences: rings, free: givenBack };
  const channel = new product.Channel(link, HANDLE_ID, memory, {
    receive: new product.ByteConsumer(fabric.slot, product.RX_WRITE, product.RX_READ, ends.receive),
    send: new product.ByteProducer(fabric.slot, product.TX_WRITE, product.TX_READ, ends.send),
  });
  link.add(channel);
  const options = { noDelay: true, keepAlive: false, keepAliveDelay: 0, dscp: undefined, path: undefined };
  return { link, socket: new product.TcpSocket(channel, options, accepted) };
}
