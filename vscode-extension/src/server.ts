/**
 * How the language server is found: a setting, then the Python environment of the editor, then
 * `oxide-lsp` on PATH. Knows nothing of VS Code, so that it can be tested without it.
 */

import { spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { homedir } from "node:os";
import * as path from "node:path";

/** A program and its arguments, and in words where it was found. */
export interface Server {
  readonly command: string;
  readonly args: readonly string[];
  readonly origin: string;
}

/** What the user chose, what the Python extension says, and which folders are not to be trusted. */
export interface Sources {
  readonly serverPath: string;
  readonly interpreter: string;
  readonly activeInterpreter: string | undefined;
  readonly untrusted: readonly string[];
}

/** The server to start; or why there is none, and where it could be installed. */
export type Found =
  | { readonly server: Server }
  | { readonly problem: string; readonly interpreter: string | undefined };

/** The oldest server that this extension can work with. */
export const NEEDED = "0.1.0";

/** What is installed: the server, and what shows compiled code. */
export const PACKAGE = "oxide-kernels[lsp,cpu]";

// -P keeps the working folder, which is the user's, out of the server's imports.
const MODULE = ["-P", "-m", "oxide_lsp"];

// Python says quickly whether it has a module; an interpreter on a slow disk may take a while.
const PROBE_TIMEOUT = 20_000;

/** Look for the server. What the user named is used or complained about, never passed over. */
export async function findServer(sources: Sources): Promise<Found> {
  if (sources.serverPath !== "") {
    const program = await executable(sources.serverPath);
    return program === undefined
      ? { problem: `oxide.serverPath: there is no program ${sources.serverPath}.`, interpreter: undefined }
      : { server: { command: program, args: ["--stdio"], origin: "oxide.serverPath" } };
  }
  if (sources.interpreter !== "") {
    const program = await executable(sources.interpreter);
    if (program === undefined) {
      return { problem: `oxide.interpreter: there is no program ${sources.interpreter}.`, interpreter: undefined };
    }
    return (await hasServer(program))
      ? { server: fromInterpreter(program, "oxide.interpreter") }
      : { problem: `${program} (oxide.interpreter) does not have Oxide's language server.`, interpreter: program };
  }
  // A folder that nobody trusts may bring an interpreter of its own.
  const active = sources.activeInterpreter;
  const usable = active !== undefined && !sources.untrusted.some((folder) => isInside(active, folder));
  if (usable && (await hasServer(active))) {
    return { server: fromInterpreter(active, "the active Python environment") };
  }
  const program = await executable("oxide-lsp", sources.untrusted);
  if (program !== undefined) {
    return { server: { command: program, args: ["--stdio"], origin: "PATH" } };
  }
  const where = usable ? `in ${active} or on PATH` : "on PATH";
  return {
    problem: `Oxide's language server was not found ${where}.`,
    interpreter: usable ? active : undefined,
  };
}

/** Whether a server of this version is too old; one that does not know its version is not. */
export function isTooOld(version: string): boolean {
  const found = numbers(version);
  const needed = numbers(NEEDED);
  if (found === undefined || needed === undefined) {
    return false;
  }
  const differing = needed.findIndex((number, place) => number !== (found[place] ?? 0));
  return differing >= 0 && (found[differing] ?? 0) < (needed[differing] ?? 0);
}

/** The arguments with which `interpreter`, or else uv, installs the server; the first is the program. */
export async function installation(interpreter: string): Promise<readonly string[]> {
  const pip = [interpreter, "-m", "pip", "install", "--upgrade", PACKAGE];
  if (await runs(interpreter, ["-P", "-c", "import pip"])) {
    return pip;
  }
  // Environments that uv has made have no pip.
  const uv = await executable("uv");
  return uv === undefined ? pip : [uv, "pip", "install", "--upgrade", "--python", interpreter, PACKAGE];
}

/** A command as one would type it. */
export function commandLine(parts: readonly string[]): string {
  return parts.map((part) => (/^[\w@%+=:,./\\-]+$/.test(part) ? part : `"${part}"`)).join(" ");
}

/** What stands for a path in a setting: `~`, `${workspaceFolder}`, `${env:NAME}`. */
export function expanded(setting: string, folder: string | undefined): string {
  return setting
    .replace(/^~(?=$|[\\/])/, homedir())
    .replaceAll("${workspaceFolder}", folder ?? "")
    .replace(/\$\{env:(\w+)\}/g, (_, name: string) => process.env[name] ?? "");
}

function fromInterpreter(interpreter: string, origin: string): Server {
  return { command: interpreter, args: [...MODULE, "--stdio"], origin };
}

function numbers(version: string): number[] | undefined {
  const release = /^\d+(\.\d+)*/.exec(version);
  return release?.[0].split(".").map(Number);
}

function isInside(file: string, folder: string): boolean {
  const way = path.relative(folder, file);
  return !way.startsWith("..") && !path.isAbsolute(way);
}

/** Whether this interpreter has the server and all that it imports. */
export async function hasServer(interpreter: string): Promise<boolean> {
  const probe =
    "import importlib.util as u, sys; " +
    "sys.exit(not all(u.find_spec(m) for m in ('oxide_lsp', 'pygls', 'lsprotocol', 'z3')))";
  return runs(interpreter, ["-P", "-c", probe]);
}

/** Whether a program ends well with these arguments. */
function runs(program: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: "ignore",
      windowsHide: true,
      signal: AbortSignal.timeout(PROBE_TIMEOUT),
    });
    child.on("error", () => resolve(false));
    child.on("close", (code) => resolve(code === 0));
  });
}

/** The full path of a program: of a path itself, of a bare name the first on PATH. */
export async function executable(
  program: string,
  untrusted: readonly string[] = [],
): Promise<string | undefined> {
  for (const candidate of candidates(program)) {
    try {
      await access(candidate, constants.X_OK);
    } catch {
      continue; // not there: the next place
    }
    if (!untrusted.some((folder) => isInside(candidate, folder))) {
      return candidate;
    }
  }
  return undefined;
}

function* candidates(program: string): Iterable<string> {
  const bare = path.basename(program) === program;
  const folders = bare ? (process.env["PATH"] ?? "").split(path.delimiter) : [path.dirname(program)];
  // Only these can be started without a shell there.
  const isWindows = process.platform === "win32";
  const ending = isWindows && !/\.(exe|com)$/i.test(program) ? ".exe" : "";
  for (const folder of folders) {
    // What is relative would depend on the folder that happens to be open.
    if (path.isAbsolute(folder)) {
      yield path.join(folder, path.basename(program) + ending);
    }
  }
}
