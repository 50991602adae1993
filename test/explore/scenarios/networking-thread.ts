/** A networking thread as the product has it: its boot task, its `Actor`, and the event loop under them. Test code. */

import type { Stage } from "../scenario.js";
import type { Program } from "../thread.js";
import { type Fabric, shared } from "./fabric.js";

/** Channels between the threads. */
export const PORT = "port";
export const BROADCAST = "broadcast";

type Link = InstanceType<Stage["product"]["CallerLink"]>;

export abstract class NetworkingThread implements Program {
  protected readonly actor: object;
  private readonly port: object;

  constructor(
    protected readonly stage: Stage,
    protected readonly fabric: Fabric,
  ) {
    const { world, product } = stage;
    this.port = messagePort(stage);
    product.boot({
      name: BROADCAST,
      processChannel: null,
      thread: 0,
      workerBlock: shared(fabric.worker),
      callerBlock: shared(fabric.caller),
      linkBlock: shared(fabric.link),
      port: this.port as never,
      lingerMs: 5000,
      busyPoll: stage.restless ? 1 : 0,
    });
    this.actor = world.newborn as object;
  }

  /** The link to the caller that has started the thread. */
  protected get home(): Link {
    return (this.actor as { _links: Link[] })._links[0] as Link;
  }

  turn(): boolean {
    const { world } = this.stage;
    const event = world.loop(this.events(), false, PORT, BROADCAST);
    switch (event) {
      case "ring":
        world.callback();
        return true;
      case "immediate":
        world.immediate();
        return true;
      case "message":
        world.listeners.get("message")?.(world.open(world.take(PORT)));
        return true;
      case "broadcast":
        world.listeners.get(BROADCAST)?.(world.open(world.take(BROADCAST)));
        return true;
      default:
        return this.happens(event);
    }
  }

  /** Events of its sockets, or its own end. */
  protected events(): string[] {
    return [];
  }

  /** Whether it continues. */
  protected happens(_event: string): boolean {
    return true;
  }
}

/** The worker's end of the control port. */
function messagePort({ world }: Stage): object {
  return {
    on: (event: string, listener: (value: unknown) => void) => void world.listeners.set(event, listener),
    postMessage: () => {},
  };
}
