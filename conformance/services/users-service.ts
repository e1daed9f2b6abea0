import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pythonStubs, requirePython } from "../clients/python/stubs.ts";
import { within } from "../deadline.ts";

/** A gRPC service in Python that believes identity tokens alone. */
export interface UsersService {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  close(): Promise<void>;
}

const script = fileURLToPath(new URL("users_service.py", import.meta.url));
const examples = fileURLToPath(new URL("../../examples/python", import.meta.url));

/** Starts it. `jwks`: where it finds the keys of identity tokens. */
export async function startUsersService(jwks: string, audience: string): Promise<UsersService> {
  const child = spawn(requirePython(), ["-B", script, pythonStubs(), examples, jwks, audience], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const killAtExit = (): void => void child.kill("SIGKILL");
  process.once("exit", killAtExit);
  const ended = once(child, "close").then(() => process.off("exit", killAtExit));
  const [address] = (await within(
    15_000,
    "the Python service's start",
    Promise.race([
      once(createInterface(child.stdout), "line"),
      ended.then(() => Promise.reject(new Error("the Python service has ended"))),
    ]),
  )) as [string];
  return {
    address,
    async close() {
      child.stdin.end();
      await within(10_000, "the end of the Python service", ended);
    },
  };
}
