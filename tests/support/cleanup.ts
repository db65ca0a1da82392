// Loaded before all tests: removes all servers and folders, also after failures.
import { afterAll } from "bun:test";
import { cleanUp } from "./harness.ts";

afterAll(cleanUp);
