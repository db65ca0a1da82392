// Every request on zester.dispatch, as a second client receives it: the masters' queue group gets its own copy.
import type { NatsConnection } from "nats";
import { DISPATCH_SUBJECT } from "./master.ts";
import { decode } from "./wire.ts";

export interface Dispatches {
  /** The requests that arrived since the last call, in order. */
  take(): Promise<Buffer[]>;
  stop(): void;
}

export async function watchDispatches(nc: NatsConnection): Promise<Dispatches> {
  const seen: Buffer[] = [];
  const sub = nc.subscribe(DISPATCH_SUBJECT, { callback: (_, msg) => void seen.push(Buffer.from(msg.data)) });
  await nc.flush();
  return {
    async take() {
      await nc.flush();
      return seen.splice(0);
    },
    stop: () => sub.unsubscribe(),
  };
}

/** The bytes between the names of two fields of a record: the value of the first. */
export function valueBetween(record: Buffer, name: string, next: string): Buffer {
  const mark = (text: string) => Buffer.concat([Buffer.of(0xa0 | text.length), Buffer.from(text)]);
  const from = record.indexOf(mark(name)) + 1 + name.length;
  const to = record.indexOf(mark(next), from);
  if (from <= name.length || to < 0) throw new Error(`no ${name} before ${next}`);
  return record.subarray(from, to);
}

/** The fields of a request. */
export const fieldsOf = (request: Buffer): Record<string, unknown> => decode(request) ?? {};

/** The record of a request as a master stores it after it sent the job. */
export function sentRecord(request: Uint8Array): Buffer {
  const record = Buffer.from(request);
  const at = record.indexOf("\xa6status\xa7pending", 0, "latin1");
  if (at < 0) throw new Error("no pending job");
  record.write("running", at + "\xa6status\xa7".length, "latin1");
  return record;
}
