// How the server is found, without VS Code: `npm test`.
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

const { findServer, INSTALL } = createRequire(import.meta.url)("../dist/server.js");

const folder = mkdtempSync(path.join(tmpdir(), "oxide-"));
const nothing = { serverPath: "", interpreter: "", activeInterpreter: undefined };

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
  const found = await findServer({ serverPath, interpreter: good, activeInterpreter: good });
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
  assert.match((await findServer({ ...nothing, interpreter: bad })).problem, /oxide\.interpreter/);
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
  assert.equal(INSTALL, 'pip install "oxide-kernels[lsp]"');
});
