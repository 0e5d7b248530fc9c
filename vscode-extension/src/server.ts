/**
 * How the language server is found: a setting, then the Python environment of the editor, then
 * `oxide-lsp` on PATH. Knows nothing of VS Code, so that it can be tested without it.
 */

import { spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import * as path from "node:path";

/** A program and its arguments, and in words where it was found. */
export interface Server {
  readonly command: string;
  readonly args: readonly string[];
  readonly origin: string;
}

/** What the user chose, and what the Python extension says. */
export interface Sources {
  readonly serverPath: string;
  readonly interpreter: string;
  readonly activeInterpreter: string | undefined;
}

/** The server to start, or why there is none. */
export type Found = { readonly server: Server } | { readonly problem: string };

/** What to run to get a server. */
export const INSTALL = 'pip install "oxide-kernels[lsp]"';

// -P keeps the working folder, which is the user's, out of the server's imports.
const MODULE = ["-P", "-m", "oxide_lsp"];

// Python says quickly whether it has a module; an interpreter on a slow disk may take a while.
const PROBE_TIMEOUT = 20_000;

/** Look for the server. What the user named is used or complained about, never passed over. */
export async function findServer(sources: Sources): Promise<Found> {
  if (sources.serverPath !== "") {
    const program = await executable(sources.serverPath);
    return program === undefined
      ? { problem: `oxide.serverPath: there is no program ${sources.serverPath}.` }
      : { server: { command: program, args: ["--stdio"], origin: "oxide.serverPath" } };
  }
  if (sources.interpreter !== "") {
    return (await hasServer(sources.interpreter))
      ? { server: fromInterpreter(sources.interpreter, "oxide.interpreter") }
      : { problem: `oxide.interpreter: ${sources.interpreter} does not have Oxide's language server.` };
  }
  const active = sources.activeInterpreter;
  if (active !== undefined && (await hasServer(active))) {
    return { server: fromInterpreter(active, "the active Python environment") };
  }
  const program = await executable("oxide-lsp");
  if (program !== undefined) {
    return { server: { command: program, args: ["--stdio"], origin: "PATH" } };
  }
  const where = active === undefined ? "on PATH" : `in ${active} or on PATH`;
  return { problem: `Oxide's language server was not found ${where}.` };
}

function fromInterpreter(interpreter: string, origin: string): Server {
  return { command: interpreter, args: [...MODULE, "--stdio"], origin };
}

/** Whether this interpreter has the server and all that it imports. */
export async function hasServer(interpreter: string): Promise<boolean> {
  const probe =
    "import importlib.util as u, sys; " +
    "sys.exit(not all(u.find_spec(m) for m in ('oxide_lsp', 'pygls', 'lsprotocol', 'z3')))";
  return new Promise((resolve) => {
    const child = spawn(interpreter, ["-P", "-c", probe], {
      stdio: "ignore",
      signal: AbortSignal.timeout(PROBE_TIMEOUT),
    });
    child.on("error", () => resolve(false));
    child.on("close", (code) => resolve(code === 0));
  });
}

/** The full path of a program: of a path itself, of a bare name the first on PATH. */
export async function executable(program: string): Promise<string | undefined> {
  const bare = path.basename(program) === program;
  const folders = bare ? (process.env["PATH"] ?? "").split(path.delimiter).filter(Boolean) : [""];
  const endings = process.platform === "win32" ? ["", ".exe", ".cmd"] : [""];
  for (const folder of folders) {
    for (const ending of endings) {
      const candidate = path.join(folder, program + ending);
      try {
        await access(candidate, constants.X_OK);
        return candidate;
      } catch {
        continue; // not there: the next place
      }
    }
  }
  return undefined;
}
