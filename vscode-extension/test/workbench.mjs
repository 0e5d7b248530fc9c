// The extension in a real VS Code, by hand: what its user sees and does. Leaves pictures.
//
//   node test/workbench.mjs PICTURES [SCENE…]        see test/vscode.mjs for what it needs
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { example, kernel, python, withVSCode } from "./vscode.mjs";

const [pictures, ...wanted] = process.argv.slice(2);
assert(pictures, "where do the pictures go?");
mkdirSync(pictures, { recursive: true });
const picture = (name) => path.join(pictures, `${name}.png`);

const RACE = kernel("unsafe/block_sum_no_barrier.py");
const REPAIRED = RACE.replace(/^""".*"""\n/, '"""The sum of each block."""\n').replace(
  "    stride = BLOCK // 2",
  "    sync_threads()\n    stride = BLOCK // 2",
);
const NOTEBOOK = notebook([
  ["markdown", "# Two cells, one program"],
  ["code", "from oxide import DisjointSlice, Slice, f32, kernel, thread\n\nWIDTH = 4"],
  ["code", "@kernel(domain=1)\ndef shift(a: Slice[f32], out: DisjointSlice[f32]):\n    i = thread.index_1d()\n    out[i + WIDTH] = a[i]"],
]);

const SCENES = { finding, highlighting, compiled, machineCode, rulePage, notebookCells, missingServer, pythonExtension, health };

await withVSCode({}, (vscode) => play(vscode, SCENES));
await withVSCode({ trusts: false, settings: { "security.workspace.trust.startupPrompt": "never" } }, (vscode) =>
  play(vscode, { untrusted }),
);

async function play(vscode, scenes) {
  for (const [name, scene] of Object.entries(scenes)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.log(name);
    try {
      await scene(vscode);
    } catch (error) {
      for (const context of vscode.browser.contexts()) {
        const file = path.join(tmpdir(), `oxide-failed-${name}.png`);
        await context.pages()[0]?.screenshot({ path: file });
        console.log(`  what was seen: ${file}`);
      }
      console.log(vscode.logs());
      throw error;
    }
  }
}

/** A race: underlined, related, explained, repaired by a quick fix. */
async function finding(vscode) {
  const window = await vscode.open(vscode.workspace({ "block_sum.py": RACE }), "block_sum.py", { width: 1100, height: 640 });
  const squiggle = window.squiggles().first();
  await squiggle.waitFor({ timeout: 60_000 });
  await window.hideSideBar();
  const rows = await window.problems();
  assert(rows.some((row) => /OX104/.test(row)), rows.join("\n"));
  assert(rows.some((row) => /^block_sum\.py\[Ln/.test(row.trim()) || /thread 0/.test(row)), `no related place:\n${rows.join("\n")}`);

  const lens = window.page.locator(".codelens-decoration", { hasText: /violated|unproved/ });
  await lens.first().waitFor({ timeout: 15_000 });

  await window.command("View: Hide Panel");
  const name = window.line(/def\sblock_sum/.source).locator("span", { hasText: "block_sum" }).last();
  assert.match(await window.hover(name), /block_sum/);
  const message = await window.hover(squiggle);
  assert.match(message, /OX104/);
  await window.snapshot(picture("vscode-race"));

  const status = window.page.locator("[id='status.languageStatus']").first();
  assert.match(await status.getAttribute("aria-label"), /Oxide, 0\.1\.0 from oxide\.interpreter/);
  await status.click();
  await window.page.locator(".hover-language-status", { hasText: "Oxide" }).first().waitFor({ timeout: 10_000 });
  await window.page.keyboard.press("Escape");

  await squiggle.click({ force: true });
  const titles = await window.fixes();
  console.log(`  quick fixes: ${titles.join("; ")}`);
  assert(titles.some((title) => /Suppress OX104/.test(title)));
  await window.snapshot(picture("vscode-fixes"));
  const repair = titles.find((title) => /sync_threads/.test(title));
  assert(repair, "there is no fix that repairs");
  await window.chooseFix(repair);
  await window.until("the finding is gone", async () => (await window.squiggles().count()) === 0);
  await window.close();
}

/** Shared memory in its colour, divergent code on a ground, other colours as they were. */
async function highlighting(vscode) {
  const window = await vscode.open(vscode.workspace({ "block_sum.py": REPAIRED }), "block_sum.py");
  const lens = window.page.locator(".codelens-decoration", { hasText: "proved" });
  await lens.first().waitFor({ timeout: 60_000 });
  const word = (line, name) => window.line(line).locator("span span", { hasText: new RegExp(`^${name}$`) }).first();
  const colour = (place) => place.evaluate((span) => getComputedStyle(span).color);
  const shared = word(/tile\[t\]\s\+=/.source, "tile");
  await shared.waitFor({ timeout: 15_000 });
  assert.equal(await colour(shared), "rgb(215, 166, 95)");
  assert.notEqual(await colour(word(/def\sblock_sum/.source, "block_sum")), "rgb(215, 166, 95)");
  const grounds = await window.page.locator(".view-overlays [class*=ced-]").count();
  assert(grounds > 0, "divergent code looks like any other");
  await window.page.screenshot({ path: picture("vscode-memory") });
  await window.close();
}

/** Compiled code beside its source, live, with both cursors linked. */
async function compiled(vscode) {
  const window = await vscode.open(vscode.workspace({ "block_sum.py": REPAIRED }), "block_sum.py", { width: 1240, height: 720 });
  await window.hideSideBar();
  const source = window.group("block_sum.py");
  await window.cursorAt("def\\sblock_sum", source);
  await window.command("Oxide: Show PTX");
  const code = window.group("block_sum.sm_80.ptx");
  await window.line("bar\\.sync", code).waitFor({ timeout: 30_000 });
  console.log(`  ${(await window.text(code)).split("\n").slice(0, 3).join(" | ")}`);

  // From the source to the code, and back.
  await window.cursorAt("tile\\[t\\]\\s\\+=", source);
  const marked = code.locator(".view-overlays [class*=ced-]");
  await window.until("instructions of the line are marked", async () => (await marked.count()) > 0);
  await window.picture(picture("vscode-ptx"));
  await window.cursorAt("bar\\.sync", code);
  const back = source.locator(".view-overlays [class*=ced-]");
  await window.until("the line of the instruction is marked", async () => (await back.count()) > 0);

  // Statements that became no code are dimmed.
  const dim = source.locator(".view-line span[class*=ced-]");
  await window.until("dead lines are dimmed", async () =>
    (await dim.evaluateAll((spans) => spans.filter((span) => getComputedStyle(span).opacity < 1).map((span) => span.innerText))).some(
      (text) => text.replaceAll("\u00a0", " ").includes("stride")),
  );

  const explained = await window.hover(window.line("bar\\.sync", code).locator("span", { hasText: "bar.sync" }).last());
  assert.match(explained, /every thread of the block/);
  console.log(`  ${explained.replace(/\s+/g, " ")}`);

  // Edits show at once.
  await window.cursorAt("out\\[block", source);
  await window.page.keyboard.press("End");
  await window.page.keyboard.type(" * 3.0");
  const start = Date.now();
  await window.until("the code follows the edit", async () => /mul\.(rn\.)?f32/.test(await window.text(code)) || (await scrolled(window, code, /mul\.(rn\.)?f32/)));
  console.log(`  edit to code on the screen: ${Date.now() - start} ms`);

  // The version before is beside it.
  await window.cursorAt("bar\\.sync", code);
  await window.command("Oxide: Compare Compiled Code with the Version Before");
  const diff = window.page.locator(".diff-editor, .monaco-diff-editor").first();
  await diff.waitFor({ timeout: 20_000 });
  const inserted = window.page.locator(".monaco-diff-editor .line-insert, .monaco-diff-editor .char-insert");
  await window.until("a difference is shown", async () => (await inserted.count()) > 0);
  await window.picture(picture("vscode-ptx-compared"));
  await window.close();
}

/** Registers and the machine's own instructions. */
async function machineCode(vscode) {
  const folder = vscode.workspace({ "vecadd.py": example("vecadd.py") });
  const window = await vscode.open(folder, "vecadd.py");
  await window.hideSideBar();
  const lens = window.page.locator(".codelens-decoration a", { hasText: /registers/ }).first();
  await lens.waitFor({ timeout: 60_000 });
  console.log(`  ${await lens.innerText()}`);
  await lens.click();
  await window.line("ld\\.global", window.group("vecadd.sm_80.ptx")).waitFor({ timeout: 30_000 });
  await window.cursorAt("ld\\.global", window.group("vecadd.sm_80.ptx"));
  await window.command("Oxide: Show Machine Code (SASS)");
  const code = window.group("vecadd.sm_80.nvsass");
  await code.waitFor({ timeout: 30_000 });
  await window.until("machine code, or why there is none", async () => /LDG|ptxas/.test(await window.text(code)));
  await window.close();
}

/** The page of a rule, rendered: by the number in a finding, and by a command. */
async function rulePage(vscode) {
  const ways = [
    async (window, squiggle) => {
      await window.hover(squiggle);
      await window.page.locator(".monaco-hover:not(.hidden) a", { hasText: "OX104" }).first().click();
    },
    async (window, squiggle) => {
      await squiggle.click({ force: true });
      await window.command("Oxide: Explain Rule");
    },
  ];
  for (const way of ways) {
    const window = await vscode.open(vscode.workspace({ "block_sum.py": RACE }), "block_sum.py");
    const squiggle = window.squiggles().first();
    await squiggle.waitFor({ timeout: 60_000 });
    await way(window, squiggle);
    await ruleIsShown(window);
    await window.close();
  }
}

function ruleIsShown(window) {
  const heading = webview(window).locator("h1", { hasText: "OX104" });
  return heading.waitFor({ timeout: 30_000 });
}

function webview(window) {
  return window.page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
}

/** Names are shared between cells, findings stand in theirs. */
async function notebookCells(vscode) {
  const window = await vscode.open(vscode.workspace({ "shift.ipynb": NOTEBOOK }), "shift.ipynb");
  await window.hideSideBar();
  const flagged = window.page.locator(".notebookOverlay .squiggly-error, .notebookOverlay .squiggly-warning");
  await flagged.first().waitFor({ timeout: 60_000 });
  const rows = await window.problems();
  assert(rows.some((row) => /OX301/.test(row)), rows.join("\n"));
  assert(!rows.some((row) => /OX004/.test(row)), "a name of another cell is unknown");
  await window.picture(picture("vscode-notebook"));
  await window.close();
}

/** One notification, which says how to install; a choice of another interpreter heals it. */
async function missingServer(vscode) {
  vscode.configure({ "oxide.interpreter": "/usr/bin/python3" });
  const window = await vscode.open(vscode.workspace({ "block_sum.py": RACE }), "block_sum.py");
  const notice = window.notifications().first();
  await notice.waitFor({ timeout: 60_000 });
  assert.match(await notice.innerText(), /does not have Oxide's language server/);
  for (const choice of ["Install into this environment", "Choose interpreter", "Learn more"]) {
    assert(await notice.getByRole("button", { name: choice }).count(), choice);
  }
  await window.picture(picture("vscode-missing"));
  await notice.getByRole("button", { name: "Install into this environment" }).click();
  const dialog = window.page.locator(".monaco-dialog-box");
  await dialog.waitFor();
  assert.match(await dialog.innerText(), /python3 -m pip install --upgrade "?oxide-kernels\[lsp,cpu\]/);
  await dialog.getByRole("button", { name: "Cancel" }).click();

  // Another window says it again, and knows more.
  const other = await vscode.open(vscode.workspace({ "block_sum.py": RACE }), "block_sum.py");
  await other.notifications().getByRole("button", { name: "Learn more" }).click({ timeout: 60_000 });
  const pictures = webview(other).locator("img");
  await other.until("the README with its pictures", async () =>
    (await pictures.evaluateAll((all) => all.filter((image) => image.naturalWidth > 500).length)) >= 3, 30_000);
  await other.close();

  vscode.configure({ "oxide.interpreter": python });
  await window.squiggles().first().waitFor({ timeout: 60_000 });
  assert.equal(await window.notifications().count(), 0, "it is said once");
  await window.close();
}

/** What the server says of itself stands in the status item. */
async function health(vscode) {
  const folder = vscode.workspace({ "block_sum.py": RACE });
  const program = path.join(folder, "server");
  const send = (message) => `send(${JSON.stringify({ jsonrpc: "2.0", ...message })});`;
  const text = `#!${process.execPath}
    const send = (message) => {
      const body = JSON.stringify(message);
      process.stdout.write("Content-Length: " + Buffer.byteLength(body) + "\\r\\n\\r\\n" + body);
    };
    process.stdin.on("data", (data) => {
      if (!String(data).includes('"initialize"')) return;
      ${send({ id: 0, result: { capabilities: {}, serverInfo: { name: "oxide", version: "9.0" } } })}
      setTimeout(() => { ${send({ method: "oxide/status", params: { health: "warning", message: "its process ended" } })} }, 500);
    });`;
  writeFileSync(program, text);
  chmodSync(program, 0o755);
  vscode.configure({ "oxide.serverPath": program });
  const window = await vscode.open(folder, "block_sum.py");
  const status = window.page.locator("[id='status.languageStatus']").first();
  await window.until("what the server says", async () =>
    /Oxide: its process ended, 9\.0 from oxide\.serverPath/.test(await status.getAttribute("aria-label")), 60_000);
  vscode.configure({ "oxide.interpreter": python });
  await window.close();
}

/** In a folder that nobody trusts kernels are read, and what it says of programs is not heard. */
async function untrusted(vscode) {
  const folder = vscode.workspace({ "block_sum.py": RACE });
  const run = path.join(folder, "was-run");
  const program = path.join(folder, "oxide-lsp");
  writeFileSync(program, `#!/bin/sh\ntouch ${run}\n`);
  chmodSync(program, 0o755);
  mkdirSync(path.join(folder, ".vscode"));
  const settings = { "oxide.serverPath": program, "oxide.interpreter": program };
  writeFileSync(path.join(folder, ".vscode", "settings.json"), JSON.stringify(settings));
  const window = await vscode.open(folder, "block_sum.py");
  await window.page.locator(".statusbar-item", { hasText: "Restricted Mode" }).waitFor({ timeout: 60_000 });
  await window.squiggles().first().waitFor({ timeout: 60_000 });
  assert(!existsSync(run), "a program of the folder was run");
  await window.close();
}

/** The environment of the Python extension is used, and another one when it changes. */
async function pythonExtension(vscode) {
  vscode.configure({});
  const window = await vscode.open(vscode.workspace({ "block_sum.py": RACE }), "block_sum.py");
  const notice = window.notifications().first();
  await notice.waitFor({ timeout: 60_000 });
  assert.match(await notice.innerText(), /not found in \/usr\/bin\/python3 or on PATH/);
  await notice.getByRole("button", { name: "Choose interpreter" }).click();
  await window.squiggles().first().waitFor({ timeout: 60_000 });
  const status = window.page.locator("[id='status.languageStatus']").first();
  await window.until("its origin", async () =>
    /from the active Python environment/.test(await status.getAttribute("aria-label")));
  vscode.configure({ "oxide.interpreter": python });
  await window.close();
}

/** Whether what is looked for comes into view by scrolling. */
async function scrolled(window, group, pattern) {
  await group.locator(".monaco-scrollable-element").first().hover();
  await window.page.mouse.wheel(0, 400);
  await window.page.waitForTimeout(50);
  return pattern.test(await window.text(group));
}

function notebook(cells) {
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "python3", language: "python", display_name: "Python 3" }, language_info: { name: "python" } },
    cells: cells.map(([kind, source], number) => ({
      id: `c${number}`,
      cell_type: kind,
      metadata: {},
      source,
      ...(kind === "code" ? { outputs: [], execution_count: null } : {}),
    })),
  });
}
