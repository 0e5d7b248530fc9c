// Runs inside the extension host, with the real API. Results go to results.txt in the workspace.
const assert = require("node:assert/strict");
const { appendFileSync, chmodSync, readFileSync, writeFileSync } = require("node:fs");
const path = require("node:path");
const vscode = require("vscode");

const { commands, languages, window, workspace } = vscode;
const folder = workspace.workspaceFolders[0].uri;
const source = vscode.Uri.joinPath(folder, "block_sum.py");
const unguarded = vscode.Uri.joinPath(folder, "scale.py");
const results = path.join(folder.fsPath, "results.txt");

exports.run = async () => {
  let failed = 0;
  for (const [name, test] of Object.entries(TESTS)) {
    const start = Date.now();
    try {
      await test();
      appendFileSync(results, `  ok    ${name} (${Date.now() - start} ms)\n`);
    } catch (error) {
      failed += 1;
      appendFileSync(results, `  FAIL  ${name}: ${error.stack}\n`);
    }
  }
  if (failed > 0) throw new Error(`${failed} failed`);
};

const TESTS = {
  async "the extension starts with a Python file, and has few settings"() {
    const extension = vscode.extensions.getExtension("oxide-kernels.oxide-kernels");
    await show();
    await until("it is active", () => extension.isActive);
    const known = await commands.getCommands(true);
    const { contributes } = extension.packageJSON;
    for (const { command } of contributes.commands) assert(known.includes(command), command);
    assert(Object.keys(contributes.configuration.properties).length <= 12);
  },

  async "a race has its rule, its page and its other access"() {
    const [race] = await findings();
    assert.equal(race.code.value, "OX104");
    assert.equal(race.code.target.toString(), "oxide-rule:/OX104.md");
    assert.equal(race.severity, vscode.DiagnosticSeverity.Error);
    assert(race.relatedInformation.length >= 1);
    assert.equal(race.relatedInformation[0].location.uri.toString(), source.toString());
  },

  async "hover, lens, hints, symbols and tokens are there"() {
    const document = await workspace.openTextDocument(source);
    const at = positionOf(document, "block_sum(");
    const hovers = await commands.executeCommand("vscode.executeHoverProvider", source, at);
    assert(hovers.some(({ contents }) => contents.some(({ value }) => /block_sum/.test(value))));
    const lenses = await commands.executeCommand("vscode.executeCodeLensProvider", source, 10);
    assert(lenses.some(({ command }) => /violated|unproved/.test(command?.title ?? "")));
    const whole = new vscode.Range(0, 0, document.lineCount, 0);
    const hints = await commands.executeCommand("vscode.executeInlayHintProvider", source, whole);
    assert(hints.some(({ label }) => /1 KiB|1024|bytes/.test(JSON.stringify(label))), JSON.stringify(hints));
    assert(hints.every(({ textEdits }) => !textEdits?.length), "a hint must not edit");
    const symbols = await commands.executeCommand("vscode.executeDocumentSymbolProvider", source);
    assert(symbols.some(({ name }) => name === "block_sum"));
  },

  async "quick fixes repair a race"() {
    const document = await workspace.openTextDocument(source);
    const before = document.getText();
    const [race] = await findings();
    const actions = await fixes(source, race.range);
    const repair = actions.find(({ title }) => /sync_threads/.test(title));
    assert(repair, actions.map(({ title }) => title).join("; "));
    assert(actions.some(({ title }) => /^Suppress OX104/.test(title)));
    await workspace.applyEdit(repair.edit);
    await until("the finding is gone", () => ours(source).length === 0);
    await replace(source, document.getText(), before);
    await findings();
  },

  async "a guarded kernel has its code beside it, live"() {
    const document = await workspace.openTextDocument(unguarded);
    await window.showTextDocument(document, vscode.ViewColumn.One);
    const found = await until("findings", () => (ours(unguarded).length > 0 ? ours(unguarded) : undefined));
    const actions = await fixes(unguarded, found[0].range);
    const guard = actions.find(({ title }) => /guard/.test(title));
    assert(guard, actions.map(({ title }) => title).join("; "));
    await workspace.applyEdit(guard.edit);
    await until("the finding is gone", () => ours(unguarded).length === 0);

    await commands.executeCommand("oxide.showPtx", unguarded.toString(), "scale");
    const compiled = await until("the code is shown", () => visible("oxide-ptx"));
    assert.equal(compiled.document.languageId, "ptx");
    assert.match(compiled.document.getText(), /st\.global/);
    await replace(unguarded, "a[i]\n", "a[i] * 5.0\n");
    await until("the code follows", () => /mul(\.rn)?\.f32/.test(compiled.document.getText()));
    const line = compiled.document.getText().split("\n").findIndex((text) => text.includes("st.global"));
    const place = new vscode.Position(line, 6);
    const said = await commands.executeCommand("vscode.executeHoverProvider", compiled.document.uri, place);
    assert(said.some(({ contents }) => contents.some(({ value }) => /global memory/.test(value))));
  },

  async "what compiled code shows is a setting"() {
    const compiled = visible("oxide-ptx").document;
    assert(!compiled.getText().includes(".version"));
    await workspace.getConfiguration("oxide").update("ptxHide", ["comments"], true);
    await until("directives are shown", () => compiled.getText().includes(".version"));
    await workspace.getConfiguration("oxide").update("ptxHide", undefined, true);
    await until("directives are hidden", () => !compiled.getText().includes(".version"));
  },

  async "a broken kernel keeps its last code, under the reason"() {
    const compiled = visible("oxide-ptx").document;
    await replace(unguarded, "out[i] =", "out[0] =");
    await until("the reason is shown", () => /OX10\d/.test(compiled.getText()));
    assert.match(compiled.getText(), /st\.global/);
    await replace(unguarded, "out[0] =", "out[i] =");
    await until("it is the code of now", () => !/OX10\d/.test(compiled.getText()));
  },

  async "rules have pages"() {
    const page = await workspace.openTextDocument(vscode.Uri.parse("oxide-rule:/OX104.md"));
    assert.match(page.getText(), /^# OX104: shared-memory-race/);
    assert.equal(page.languageId, "markdown");
  },

  async "a notebook is one program, and findings stand in their cell"() {
    const notebook = await workspace.openNotebookDocument(vscode.Uri.joinPath(folder, "cells.ipynb"));
    await window.showNotebookDocument(notebook);
    const [first, , last] = notebook.getCells();
    await until("the last cell has a finding", () => ours(last.document.uri).length > 0);
    assert.deepEqual(ours(first.document.uri), []);
    assert(ours(last.document.uri).every(({ code }) => code.value !== "OX004"), "names are shared");
    await replace(last.document.uri, "out[LAST]", "if thread.index_1d() < len(out):\n        out[thread.index_1d()]");
    await until("the last cell is repaired", () => ours(last.document.uri).length === 0);
    await commands.executeCommand("oxide.showPtx", last.document.uri.toString(), "k");
    const shown = () => window.visibleTextEditors.find(({ document }) => /k_kernel/.test(document.getText()));
    const compiled = await until("the code of a cell", shown);
    assert.match(compiled.document.getText(), /st\.global/);
  },

  async "the workspace is checked on request"() {
    const elsewhere = vscode.Uri.joinPath(folder, "closed.py");
    assert.deepEqual(ours(elsewhere), []);
    await commands.executeCommand("oxide.checkWorkspace");
    await until("what is found in a closed file", () => ours(elsewhere).length === 1);
    await window.showTextDocument(await workspace.openTextDocument(elsewhere), vscode.ViewColumn.One);
    await sleep(1500);
    assert.equal(ours(elsewhere).length, 1, "it is shown twice");
  },

  async "the server can be restarted, and compiled code lives on"() {
    await window.showTextDocument(await workspace.openTextDocument(unguarded), vscode.ViewColumn.One);
    await commands.executeCommand("oxide.showPtx", unguarded.toString(), "scale");
    const shown = () => window.visibleTextEditors.find(({ document }) => /scale_kernel/.test(document.getText()));
    const { document: compiled } = await until("the code is shown", shown);
    await commands.executeCommand("oxide.restart");
    await replace(unguarded, "* 5.0", "- 5.0");
    await until("the code follows", () => /(add|sub)(\.rn)?\.f32/.test(compiled.getText()));
    await show();
    await findings();
  },

  async "an old server is said once and not used; a new one is"() {
    const old = program("old-server", `
      let text = "";
      process.stdin.on("data", (chunk) => {
        text += chunk;
        const id = /"id":(\\d+)/.exec(text)?.[1];
        const reply = (result) => {
          const body = JSON.stringify({ jsonrpc: "2.0", id: Number(id), result });
          process.stdout.write("Content-Length: " + Buffer.byteLength(body) + "\\r\\n\\r\\n" + body);
          text = "";
        };
        if (text.includes('"initialize"')) reply({ capabilities: {}, serverInfo: { name: "oxide", version: "0.0.1" } });
        else if (text.includes('"shutdown"')) reply(null);
        else if (text.includes('"exit"')) process.exit(0);
      });`);
    const said = await notices(async () => {
      await configure("serverPath", old);
      await sleep(2500);
      await commands.executeCommand("oxide.restart");
      await sleep(1000);
    });
    assert.equal(said.length, 1, JSON.stringify(said));
    assert.match(said[0][0], /is 0\.0\.1, this extension needs 0\.1\.0/);
    await configure("serverPath", undefined);
    await findings();
  },

  async "a server that ends at once is not started for ever"() {
    const counted = path.join(folder.fsPath, "starts.txt");
    writeFileSync(counted, "");
    const broken = program("broken-server", `require("node:fs").appendFileSync(${JSON.stringify(counted)}, "x"); process.exit(3);`);
    await notices(async () => {
      await configure("serverPath", broken);
      await sleep(8000);
    });
    const starts = readFileSync(counted, "utf8").length;
    assert(starts >= 1 && starts <= 4, `${starts} starts`);
    await sleep(2000);
    assert.equal(readFileSync(counted, "utf8").length, starts, "it goes on");
    await configure("serverPath", undefined);
    await findings();
  },
};

async function show() {
  await window.showTextDocument(await workspace.openTextDocument(source), vscode.ViewColumn.One);
}

/** Errors and warnings; hints on speed are another matter. */
function ours(uri) {
  const found = languages.getDiagnostics(uri).filter(({ source }) => source === "oxide");
  return found.filter(({ severity }) => severity <= vscode.DiagnosticSeverity.Warning);
}

async function findings() {
  return until("findings", () => (ours(source).length > 0 ? ours(source) : undefined));
}

function fixes(uri, range) {
  return commands.executeCommand("vscode.executeCodeActionProvider", uri, range, "quickfix");
}

async function replace(uri, old, text) {
  const document = await workspace.openTextDocument(uri);
  const start = positionOf(document, old);
  const edit = new vscode.WorkspaceEdit();
  edit.replace(uri, new vscode.Range(start, document.positionAt(document.offsetAt(start) + old.length)), text);
  await workspace.applyEdit(edit);
}

function visible(scheme) {
  return window.visibleTextEditors.find(({ document }) => document.uri.scheme === scheme);
}

function positionOf(document, text) {
  const offset = document.getText().indexOf(text);
  assert(offset >= 0, text);
  return document.positionAt(offset);
}

async function configure(name, value) {
  await workspace.getConfiguration("oxide").update(name, value, vscode.ConfigurationTarget.Workspace);
}

/** What is said in notifications meanwhile; nobody answers them. */
async function notices(action) {
  const { showWarningMessage, showErrorMessage } = window;
  const said = [];
  const hear = async (...words) => {
    said.push(words);
  };
  window.showWarningMessage = hear;
  window.showErrorMessage = hear;
  try {
    await action();
  } finally {
    Object.assign(window, { showWarningMessage, showErrorMessage });
  }
  return said;
}

function program(name, text) {
  const file = path.join(folder.fsPath, name);
  writeFileSync(file, `#!${process.execPath}\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** What is open and what is found, for whoever reads a failure. */
function state() {
  const found = languages.getDiagnostics().flatMap(([uri, list]) => list.map(({ code, message }) => `${uri} ${code?.value ?? code}: ${message}`));
  return [...found, ...window.visibleTextEditors.map(({ document }) => `${document.uri}:\n${document.getText()}`)].join("\n");
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function until(what, holds, timeout = 30_000) {
  const end = Date.now() + timeout;
  for (;;) {
    const found = await holds();
    if (found) return found;
    assert(Date.now() < end, `not within ${timeout / 1000} s: ${what}\n${state()}`);
    await sleep(50);
  }
}
