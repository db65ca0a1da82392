// Answers of the JetStream API, checked before anything relies on them.
import type { Msg } from "nats";
import { UserError } from "../errors.ts";

/** What the API says when it refuses (errors.json of nats-server lists the codes). */
export interface ApiError {
  readonly code: number;
  readonly err_code?: number;
  readonly description?: string;
}

export const ERRORS = {
  noStream: 10059,
  noJetStreamForAccount: 10039,
  /** The stream's own limit for consumers is lower than the time that was asked for. */
  inactiveThreshold: 10153,
} as const;

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * An answer as the API gives it.
 * @param fields paths of the numbers that it has to hold unless it is an error, such as `state.last_seq`
 * @throws UserError when what came is no such answer: something else listens there, or the server is not sound
 */
export function apiAnswer<T>(msg: Msg, shown: string, fields: readonly string[]): T & { error?: ApiError } {
  const unsound = () =>
    new UserError(
      `${shown}: the answer to a JetStream request is not one of JetStream.`,
      "Check the address, --js-domain and --js-prefix; something else may answer there.",
    );
  let answer: unknown;
  try {
    answer = msg.json();
  } catch {
    throw unsound();
  }
  if (!isObject(answer)) throw unsound();
  if (answer.error !== undefined) {
    const { error } = answer;
    if (!isObject(error) || typeof (error.description ?? "") !== "string") throw unsound();
    return answer as T & { error: ApiError };
  }
  for (const path of fields) {
    const value = path
      .split(".")
      .reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), answer);
    if (!Number.isSafeInteger(value) || (value as number) < 0) throw unsound();
  }
  return answer as T & { error?: never };
}
