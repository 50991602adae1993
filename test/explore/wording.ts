/**
 * Operations in words, for traces.
 *
 * Test code.
 */

import type { Operation, Value } from "./world.js";

export function describe(operation: Operation, place: string, result: Value): string {
  const { kind, first, second } = operation;
  switch (kind) {
    case "load":
    case "read":
      return `${kind} ${place} → ${result}`;
    case "store":
    case "write":
    case "reset":
      return `${kind} ${place} = ${first}`;
    case "compareExchange":
      return `compareExchange ${place} ${first} by ${second} → ${result}`;
    case "wait":
      return `wait ${place} while ${first}: ${result}`;
    case "waitAsync":
      return `waitAsync ${place} while ${first} → ${result}`;
    case "notify":
      return `notify ${place} → ${result} woken`;
    case "loop":
      return `event loop: ${result}`;
    case "post":
      return `post ${first} to ${place}`;
    case "take":
      return `take from ${place} → ${result}`;
    default:
      return `${kind} ${place} by ${first} → ${result}`;
  }
}
