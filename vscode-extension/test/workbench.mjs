// Shows a kernel with a race in a real VS Code, and takes a picture of it.
//
//   VSCODE_SERVER=…/code-server CHROMIUM=/usr/bin/chromium OXIDE_PYTHON=…/python \
//     node test/workbench.mjs PICTURE [KERNEL]
//
// VSCODE_SERVER is a server that serves VS Code to a browser, CHROMIUM the browser, OXIDE_PYTHON
// an interpreter that has Oxide with its extras `lsp` and `cpu`. `npm run package` comes first.
// It fails if no finding, related place, hover or quick fix is seen.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const extension = path.resolve(import.meta.dirname, "..");
const [picture, kernel = path.join(extension, "../tests/kernels/unsafe/block_sum_no_loop_barrier.py")] =
  process.argv.slice(2);
const { VSCODE_SERVER, CHROMIUM, OXIDE_PYTHON } = process.env;
assert(picture && VSCODE_SERVER && CHROMIUM && OXIDE_PYTHON, "see the comment at the top of this file");

// Everything of a run lies here: VS Code keeps unsaved text by folder, so each run has its own.
const scratch = mkdtempSync(path.join(tmpdir(), "oxide-workbench-"));
const workspace = path.join(scratch, "kernels");
const userData = path.join(scratch, "data");
const name = path.basename(kernel);
mkdirSync(workspace);
mkdirSync(path.join(userData, "User"), { recursive: true });
// What the kernels under tests/ say about themselves is for tests.
const text = readFileSync(kernel, "utf8").replace(/ *# error: .*$/gm, "").replace(/^# launch: .*\n/gm, "");
writeFileSync(path.join(workspace, name), text);
writeFileSync(
  path.join(userData, "User", "settings.json"),
  JSON.stringify({
    "oxide.interpreter": OXIDE_PYTHON,
    "workbench.colorTheme": "Default Dark Modern",
    "telemetry.telemetryLevel": "off",
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": false,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "extensions.autoCheckUpdates": false,
    "extensions.autoUpdate": false,
    "extensions.ignoreRecommendations": true,
    "chat.disableAIFeatures": true,
    "editor.minimap.enabled": false,
    "editor.hover.sticky": true,
    "editor.hover.above": false,
    "problems.defaultViewMode": "tree",
    "window.commandCenter": false,
  }),
);

const folders = ["--user-data-dir", userData, "--extensions-dir", path.join(scratch, "extensions")];
execFileSync(VSCODE_SERVER, [...folders, "--install-extension", path.join(extension, "oxide-kernels.vsix")]);

const port = await freePort();
const server = spawn(
  VSCODE_SERVER,
  [
    ...folders, "--auth", "none", "--bind-addr", `127.0.0.1:${port}`, "--disable-telemetry",
    "--disable-update-check", "--disable-workspace-trust", "--disable-getting-started-override",
  ],
  { stdio: "ignore" },
);
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
try {
  await answers(`http://127.0.0.1:${port}/healthz`);
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  await show(page);
} finally {
  await browser.close();
  server.kill();
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

async function show(page) {
  const file = `vscode-remote://127.0.0.1:${port}${workspace}/${name}`;
  const payload = encodeURIComponent(JSON.stringify([["openFile", file]]));
  await page.goto(`http://127.0.0.1:${port}/?folder=${workspace}&payload=${payload}`);
  await page.waitForSelector(".view-lines .view-line", { timeout: 60_000 });
  const squiggle = page.locator(".squiggly-error").first();
  try {
    await squiggle.waitFor({ timeout: 60_000 });
  } catch (error) {
    await page.screenshot({ path: picture });
    for (const log of readdirSync(userData, { recursive: true }).filter((file) => /Oxide[^/]*\.log$/.test(file))) {
      console.log(`${log}:\n${readFileSync(path.join(userData, log), "utf8")}`);
    }
    throw error;
  }
  console.log("a finding is underlined");

  await command(page, "View: Close Primary Side Bar");
  await command(page, "Problems: Focus on Problems View");
  const problems = page.locator(".markers-panel .monaco-list-row");
  await page.waitForFunction(() => document.querySelectorAll(".markers-panel .monaco-list-row").length >= 3);
  const rows = await problems.allInnerTexts();
  console.log(rows.map((row) => `  ${row.replace(/\s+/g, " ")}`).join("\n"));
  assert(rows.some((row) => /OX\d{3}/.test(row)), "the problems panel shows no finding");

  // The kernel's name: its verdict, and its PTX if it has one.
  const kernelName = /^def (\w+)/m.exec(text)[1];
  const verdict = await hover(page, namedIn(page, kernelName));
  assert.match(verdict, new RegExp(`${kernelName}: `));
  console.log(verdict.split("\n").slice(0, 3).join(" | "));

  const message = await hover(page, squiggle);
  assert.match(message, /OX\d{3}/);
  await page.screenshot({ path: picture });
  console.log(`wrote ${picture}`);

  await page.keyboard.press("Escape");
  await squiggle.click({ force: true });
  await page.keyboard.press("Control+.");
  const actions = page.locator(".action-widget .monaco-list-row");
  await actions.first().waitFor({ timeout: 10_000 });
  const titles = await actions.allInnerTexts();
  console.log("quick fixes:", titles.map((title) => title.trim()).filter(Boolean).join("; "));
  assert(titles.some((title) => /Suppress OX\d{3}/.test(title)), "there is no quick fix that suppresses");
}

/** The name in its definition: the innermost of the spans that the editor makes of a line. */
function namedIn(page, kernelName) {
  const line = page.locator(".view-line", { hasText: new RegExp(`def\\s${kernelName}`) }).first();
  return line.locator("span", { hasText: kernelName }).last();
}

async function hover(page, target) {
  // A hover opens when the mouse comes to rest, so it must come from somewhere else.
  await page.mouse.move(900, 20);
  await target.hover({ force: true });
  const box = page.locator(".monaco-hover:not(.hidden) .hover-row").first();
  await box.waitFor({ timeout: 15_000 });
  await page.waitForTimeout(500); // the rows of other providers follow
  const rows = await page.locator(".monaco-hover:not(.hidden) .hover-row").allInnerTexts();
  return rows.join("\n").replaceAll("\u00a0", " ");
}

async function command(page, title) {
  await page.keyboard.press("F1");
  const input = page.locator(".quick-input-widget input").first();
  await input.waitFor();
  await input.fill(`>${title}`);
  await page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().waitFor();
  await page.keyboard.press("Enter");
  await input.waitFor({ state: "hidden" });
}

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port: free } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return free;
}

async function answers(url) {
  for (let attempt = 0; attempt < 120; attempt++) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // not listening yet
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`nothing answers at ${url}`);
}
