// How the server is found, without VS Code: `npm test`.
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

const { commandLine, expanded, findServer, installation, isTooOld } = createRequire(import.meta.url)("../dist/server.js");

const folder = mkdtempSync(path.join(tmpdir(), "oxide-"));
const nothing = { serverPath: "", interpreter: "", activeInterpreter: undefined, untrusted: [] };

function program(name, text) {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

const good = program("python-with", "exit 0");
const bad = program("python-without", "exit 1");

test("the server's path wins over everything", async () => {
  const serverPath = program("my-server", "exit 0");
  const found = await findServer({ ...nothing, serverPath, interpreter: good, activeInterpreter: good });
  assert.equal(found.server.command, serverPath);
  assert.deepEqual(found.server.args, ["--stdio"]);
});

test("a server's path that leads nowhere is a problem, not passed over", async () => {
  const found = await findServer({ ...nothing, serverPath: "/nowhere/oxide-lsp", activeInterpreter: good });
  assert.match(found.problem, /oxide\.serverPath.*\/nowhere\/oxide-lsp/);
});

test("the interpreter of the settings wins over the active one", async () => {
  const found = await findServer({ ...nothing, interpreter: good, activeInterpreter: bad });
  assert.equal(found.server.command, good);
  assert.deepEqual(found.server.args, ["-P", "-m", "oxide_lsp", "--stdio"]);
  const without = await findServer({ ...nothing, interpreter: bad });
  assert.match(without.problem, /oxide\.interpreter/);
  assert.equal(without.interpreter, bad, "that is where it can be installed");
  const gone = await findServer({ ...nothing, interpreter: "/nowhere/python" });
  assert.match(gone.problem, /no program \/nowhere\/python/);
  assert.equal(gone.interpreter, undefined);
});

test("the active environment wins over PATH, if it has the server", async () => {
  const onPath = program("oxide-lsp", "exit 0");
  const saved = process.env.PATH;
  process.env.PATH = `${folder}${path.delimiter}${saved}`;
  try {
    const active = await findServer({ ...nothing, activeInterpreter: good });
    assert.equal(active.server.command, good);
    const passed = await findServer({ ...nothing, activeInterpreter: bad });
    assert.equal(passed.server.command, onPath);
    assert.equal(passed.server.origin, "PATH");
  } finally {
    process.env.PATH = saved;
  }
});

test("nothing found is one sentence that names the places", async () => {
  const saved = process.env.PATH;
  process.env.PATH = "";
  try {
    assert.match((await findServer(nothing)).problem, /not found on PATH/);
    const found = await findServer({ ...nothing, activeInterpreter: "/nowhere/python" });
    assert.match(found.problem, /not found in \/nowhere\/python or on PATH/);
  } finally {
    process.env.PATH = saved;
  }
});

test("nothing inside a folder that nobody trusts is started", async () => {
  const inside = { ...nothing, activeInterpreter: good, untrusted: [folder] };
  const saved = process.env.PATH;
  process.env.PATH = `${folder}${path.delimiter}.`;
  try {
    const found = await findServer(inside);
    assert.match(found.problem, /not found on PATH/);
    assert.equal(found.interpreter, undefined, "nor is anything installed there");
    assert.equal((await findServer({ ...inside, untrusted: [path.join(folder, "other")] })).server.command, good);
  } finally {
    process.env.PATH = saved;
  }
});

test("programs are not looked for in relative folders", async () => {
  const saved = process.env.PATH;
  process.env.PATH = path.relative(process.cwd(), folder);
  try {
    assert.match((await findServer(nothing)).problem, /not found on PATH/);
  } finally {
    process.env.PATH = saved;
  }
});

test("older servers than needed are known, and only those", () => {
  for (const old of ["0.0.9", "0", "0.0.9.dev1"]) assert(isTooOld(old), old);
  for (const good of ["0.1.0", "0.1", "0.1.0.dev3", "0.2.1", "1.0", "unknown", ""]) assert(!isTooOld(good), good);
});

test("the command that installs is for the interpreter, by uv where there is no pip", async () => {
  assert.deepEqual((await installation(good)).slice(0, 4), [good, "-m", "pip", "install"]);
  const uv = program("uv", "exit 0");
  const saved = process.env.PATH;
  process.env.PATH = `${folder}${path.delimiter}${saved}`;
  try {
    const parts = await installation(bad);
    assert.deepEqual(parts.slice(0, 2), [uv, "pip"]);
    assert(parts.includes(bad));
    assert(commandLine(parts).endsWith('"oxide-kernels[lsp,cpu]"'));
  } finally {
    process.env.PATH = saved;
  }
});

test("settings may speak of the home, the folder and the environment", () => {
  process.env.OXIDE_TEST_FOLDER = "/there";
  assert.equal(expanded("${workspaceFolder}/.venv/bin/python", "/w"), "/w/.venv/bin/python");
  assert.equal(expanded("${env:OXIDE_TEST_FOLDER}/python", undefined), "/there/python");
  assert(!expanded("~/python", undefined).startsWith("~"));
  assert.equal(expanded("/a~b/python", undefined), "/a~b/python");
});
