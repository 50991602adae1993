/**
 * Events for `node:diagnostics_channel`.
 *
 * Runs on the calling thread. Events of the networking thread are published at this thread's next call that checks a
 * state. Without subscribers nothing is kept or allocated.
 */

import { type Channel as EventChannel, channel as eventChannel } from "node:diagnostics_channel";
import { PHASE_FAILED, PHASE_WAITING } from "../../ring/layout.js";
import type { Channel } from "./channel.js";

const CONNECT = events("connect");
const RESOLVE = events("resolve");
const TLS = events("tls");
const CLOSE = eventChannel("ringnet:close");
const THREAD = eventChannel("ringnet:thread");

interface Events {
  start: EventChannel;
  end: EventChannel;
  error: EventChannel;
}

function events(name: string): Events {
  return {
    start: eventChannel(`ringnet:${name}:start`),
    end: eventChannel(`ringnet:${name}:end`),
    error: eventChannel(`ringnet:${name}:error`),
  };
}

/** An operation under way that has a subscriber for its end. */
interface Pending {
  events: Events;
  channel: Channel;
  message: object;
}

/** A constant, because every call that finds nothing reads its length: a variable of the module costs 3 ns more there. */
const pending: Pending[] = [];

function begun(kind: Events, channel: Channel, handle: object): void {
  if (!kind.start.hasSubscribers && !kind.end.hasSubscribers && !kind.error.hasSubscribers) return;
  const message = { ...channel.where, ...handle };
  if (kind.start.hasSubscribers) kind.start.publish(message);
  if (kind.end.hasSubscribers || kind.error.hasSubscribers) pending.push({ events: kind, channel, message });
}

/** Removes and returns the operations that are `wanted`. */
function takePending(wanted: (each: Pending) => boolean): Pending[] {
  const taken: Pending[] = [];
  for (const each of pending.splice(0)) (wanted(each) ? taken : pending).push(each);
  return taken;
}

/** A connection has begun; `secure`: whether it includes TLS. */
export function connectBegun(channel: Channel, handle: { socket: object }, secure: boolean): void {
  begun(CONNECT, channel, handle);
  if (secure) begun(TLS, channel, handle);
}

export function tlsBegun(channel: Channel, handle: { socket: object }): void {
  begun(TLS, channel, handle);
}

export function resolveBegun(channel: Channel, handle: { address: object }): void {
  begun(RESOLVE, channel, handle);
}

/** A call has given up with this error. */
export function gaveUp(channel: Channel, error: Error): void {
  if (pending.length === 0) return;
  for (const each of takePending((candidate) => candidate.channel === channel)) {
    each.events.error.publish({ ...each.message, error });
  }
}

/** The program has closed a handle: drops its unfinished events. */
export function handleClosed(handle: object): void {
  if (pending.length > 0) takePending(({ message }) => Object.values(message).includes(handle));
  if (CLOSE.hasSubscribers) CLOSE.publish({ handle });
}

/** A networking thread was started, or has ended. */
export function threadChanged(name: string, state: "start" | "end", reason?: string): void {
  if (THREAD.hasSubscribers) THREAD.publish({ name, state, ...(reason === undefined ? {} : { reason }) });
}

/** Publishes the end of the operations that have ended since the last call. */
export function publishEnds(): void {
  if (pending.length > 0) publishFinished();
}

function publishFinished(): void {
  // A subscriber's calls may come here again.
  for (const each of pending.splice(0)) {
    const { phase } = each.channel;
    if (phase === PHASE_WAITING) {
      pending.push(each);
    } else if (phase === PHASE_FAILED) {
      each.events.error.publish({ ...each.message, error: each.channel.error });
    } else {
      each.channel.link.takeNotices();
      each.events.end.publish({ ...each.message, facts: each.channel.facts ?? each.channel.addresses });
    }
  }
}
