// Masters, as far as their heartbeats tell.

/**
 * How old a master's newest heartbeat may be, in ms, before the master counts as gone: 15 s, the time to live of the
 * heartbeat's key (wire.md, "Masters die"). A master writes it every 5 s, so that one of this age has missed three, and the
 * other masters, which see the key expire, take it for gone at the same moment.
 */
export const HEARTBEAT_LIFE_MS = 15_000;
