// Masters, as far as their heartbeats tell.

/**
 * How old a master's newest heartbeat may be, in ms, before the master counts as gone: 15 s, the life of the key that it
 * is (wire.md, "Masters die"; it is written every 5 s, so two may be late). The key of a live master is never older. An older one
 * shows only where a bucket was made without that limit, and says that the master has missed three heartbeats.
 */
export const HEARTBEAT_LIFE_MS = 15_000;
