// Loaded before all tests: leaves no server and no folder behind, whatever failed.
import { afterAll } from "bun:test";
import { cleanUp } from "./harness.ts";

afterAll(cleanUp);
