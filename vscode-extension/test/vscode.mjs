// A real VS Code for tests: a server that shows it in a browser, and what one does in it by hand.
//
//   VSCODE_SERVER   a server that serves VS Code to a browser (code-server)
//   CHROMIUM        the browser
//   OXIDE_PYTHON    an interpreter that has Oxide with its extras `lsp` and `cpu`
//
// `tests/editors/run.py` finds or installs these; `npm run package` comes first.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

export const extension = path.resolve(import.meta.dirname, "..");
export const kernels = path.join(extension, "../tests/kernels");
export const examples = path.join(extension, "../examples");
const { VSCODE_SERVER, CHROMIUM, OXIDE_PYTHON } = process.env;
export const python = OXIDE_PYTHON;

const SETTINGS = {
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
  "editor.wordBasedSuggestions": "off",
  "problems.defaultViewMode": "tree",
  "window.commandCenter": false,
  "files.autoSave": "off",
};

// Tabs, breadcrumbs and lines that stick to the top end above here.
const BELOW_TABS = 110;

/** Start VS Code with the extension; `use` gets it, and afterwards nothing is left of it. */
export async function withVSCode({ settings = {}, installs = true, trusts = true }, use) {
  assert(VSCODE_SERVER && CHROMIUM && OXIDE_PYTHON, "see the comment at the top of test/vscode.mjs");
  const scratch = mkdtempSync(path.join(tmpdir(), "oxide-vscode-"));
  const userData = path.join(scratch, "data");
  const write = (kind, values) => {
    mkdirSync(path.join(userData, kind), { recursive: true });
    writeFileSync(path.join(userData, kind, "settings.json"), JSON.stringify(values));
  };
  write("User", { ...SETTINGS, ...settings });
  // What names a program is a setting of the machine on which the server runs.
  const configure = (values) => write("Machine", values);
  configure({ "oxide.interpreter": OXIDE_PYTHON });
  const folders = ["--user-data-dir", userData, "--extensions-dir", path.join(scratch, "extensions")];
  if (installs) {
    for (const vsix of [path.join(extension, "oxide-kernels.vsix"), pythonExtension(scratch)]) {
      execFileSync(VSCODE_SERVER, [...folders, "--install-extension", vsix]);
    }
  }
  const port = await freePort();
  const server = spawn(
    VSCODE_SERVER,
    [
      ...folders, "--auth", "none", "--bind-addr", `127.0.0.1:${port}`, "--disable-telemetry",
      "--disable-update-check", "--disable-getting-started-override",
      ...(trusts ? ["--disable-workspace-trust"] : []),
    ],
    { stdio: "ignore" },
  );
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  try {
    await answers(`http://127.0.0.1:${port}/healthz`);
    await use(new VSCode(browser, port, scratch, userData, configure));
  } finally {
    await browser.close();
    server.kill();
    rmSync(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 300 });
  }
}

class VSCode {
  constructor(browser, port, scratch, userData, configure) {
    Object.assign(this, { browser, port, scratch, userData, configure, workspaces: 0 });
  }

  /** A folder of its own with these files: VS Code keeps unsaved text by folder. */
  workspace(files, name = "kernels") {
    const folder = path.join(this.scratch, `kernels${++this.workspaces}`, name);
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), text);
    }
    return folder;
  }

  remote(file) {
    return `vscode-remote://127.0.0.1:${this.port}${file}`;
  }

  /** A window with a file of a folder open. */
  async open(folder, file, { width = 1280, height = 800 } = {}) {
    const context = await this.browser.newContext({ viewport: { width, height } });
    const page = await context.newPage();
    const window = new Window(page);
    const isNotebook = file.endsWith(".ipynb");
    const payload = isNotebook ? [] : [["openFile", this.remote(path.join(folder, file))]];
    const query = encodeURIComponent(JSON.stringify(payload));
    await page.goto(`http://127.0.0.1:${this.port}/?folder=${encodeURIComponent(folder)}&payload=${query}`);
    if (isNotebook) {
      await window.openNotebook(file);
    } else {
      await page.waitForSelector(".view-lines .view-line", { timeout: 90_000 });
    }
    return window;
  }

  /** What the extension has written to its log. */
  logs() {
    const logs = readdirSync(this.userData, { recursive: true }).filter((file) => /Oxide[^/]*\.log$/.test(file));
    return logs.map((log) => `${log}:\n${readFileSync(path.join(this.userData, log), "utf8")}`).join("\n");
  }
}

/** One window, by what is on the screen. */
export class Window {
  constructor(page) {
    this.page = page;
  }

  async close() {
    await this.page.context().close();
  }

  /** Open a notebook from the explorer; before VS Code knows notebooks it would show their text. */
  async openNotebook(file) {
    const row = this.page.locator(".explorer-folders-view .monaco-list-row", { hasText: file }).first();
    const cells = this.page.locator(".notebookOverlay .cell-list-container .monaco-list-row");
    await row.waitFor({ timeout: 90_000 });
    await this.until("the notebook's cells", async () => {
      await row.dblclick();
      await this.page.waitForTimeout(2500);
      if ((await cells.count()) > 0) return true;
      await this.command("View: Close All Editors");
      return false;
    }, 60_000);
  }

  async picture(file) {
    await this.page.mouse.move(640, 2);
    await this.page.waitForTimeout(400);
    await this.snapshot(file);
  }

  /** A picture of what is there, the mouse where it is. */
  async snapshot(file) {
    await this.page.screenshot({ path: file });
    console.log(`  picture: ${path.basename(file)}`);
  }

  squiggles(kind = "error") {
    return this.page.locator(`.squiggly-${kind}`);
  }

  async command(title) {
    const { page } = this;
    await page.keyboard.press("F1");
    const input = page.locator(".quick-input-widget input").first();
    await input.waitFor();
    await input.fill(`>${title}`);
    await page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().waitFor();
    await page.keyboard.press("Enter");
  }

  async hideSideBar() {
    await this.command("View: Close Primary Side Bar");
    await this.page.waitForTimeout(300);
  }

  /** The editor group whose open tab has this title. */
  group(title) {
    return this.page.locator(".editor-group-container", { has: this.page.locator(`.tab.active[data-resource-name="${title}"]`) });
  }

  /** The text on the screen of a group, or of everything. */
  async text(group = this.page) {
    const lines = group.locator(".view-lines .view-line");
    const boxes = await lines.evaluateAll((all) => all.map((line) => [line.getBoundingClientRect().top, line.innerText]));
    return boxes.sort((one, other) => one[0] - other[0]).map(([, text]) => text.replaceAll("\u00a0", " ")).join("\n");
  }

  line(text, group = this.page) {
    return group.locator(".view-line", { hasText: new RegExp(text) }).first();
  }

  /** Put the cursor at the end of a line with this text that nothing covers. */
  async cursorAt(text, group = this.page) {
    const lines = group.locator(".view-line", { hasText: new RegExp(text) });
    await lines.first().waitFor();
    const tops = await lines.evaluateAll((all) => all.map((line) => line.getBoundingClientRect().top));
    const free = tops.findIndex((top) => top > BELOW_TABS);
    await lines.nth(Math.max(free, 0)).click({ position: { x: 4, y: 8 } });
    await this.page.keyboard.press("End");
  }

  async hover(target) {
    // A hover opens when the mouse comes to rest, so it must come from somewhere else.
    await this.page.mouse.move(900, 20);
    await target.hover({ force: true });
    await this.page.locator(".monaco-hover:not(.hidden) .hover-row").first().waitFor({ timeout: 15_000 });
    await this.page.waitForTimeout(500); // the rows of other providers follow
    const rows = await this.page.locator(".monaco-hover:not(.hidden) .hover-row").allInnerTexts();
    return rows.join("\n").replaceAll("\u00a0", " ");
  }

  async problems() {
    await this.command("Problems: Focus on Problems View");
    const rows = this.page.locator(".markers-panel .monaco-list-row");
    await rows.nth(1).waitFor({ timeout: 30_000 });
    return (await rows.allInnerTexts()).map((row) => row.replace(/\s+/g, " "));
  }

  /** Open the quick fixes where the cursor is. */
  async fixes() {
    await this.page.keyboard.press("Control+.");
    const rows = this.page.locator(".action-widget .monaco-list-row");
    await rows.first().waitFor({ timeout: 10_000 });
    return (await rows.allInnerTexts()).map((title) => title.trim()).filter(Boolean);
  }

  async chooseFix(title) {
    await this.page.locator(".action-widget .monaco-list-row.action", { hasText: title }).first().click();
  }

  notifications() {
    return this.page.locator(".notifications-toasts .notification-list-item");
  }

  /** Wait until `holds` is true of the screen, parts of which may go away while one looks. */
  async until(what, holds, timeout = 20_000) {
    const end = Date.now() + timeout;
    for (let last = ""; ; await this.page.waitForTimeout(100)) {
      try {
        if (await holds()) return;
      } catch (error) {
        last = `: ${error.message}`;
      }
      assert(Date.now() < end, `not seen after ${timeout / 1000} s: ${what}${last}`);
    }
  }
}

/** A kernel of the tests without what it says about itself to them. */
export function kernel(file) {
  return readFileSync(path.join(kernels, file), "utf8").replace(/ *# (error|also): .*$/gm, "").replace(/^# launch: .*\n/gm, "");
}

export function example(file) {
  return readFileSync(path.join(examples, file), "utf8");
}

/** The extension's folder as VS Code's development mode wants it, without anything else. */
export function unpacked(folder) {
  for (const name of ["package.json", "dist", "language.json", "ptx.tmLanguage.json", "nvsass.tmLanguage.json"]) {
    cpSync(path.join(extension, name), path.join(folder, name), { recursive: true });
  }
}

/** What stands in for the Python extension, packaged. */
function pythonExtension(scratch) {
  const vsix = path.join(scratch, "python.vsix");
  const vsce = path.join(extension, "node_modules", ".bin", "vsce");
  const flags = ["--skip-license", "--allow-missing-repository", "--no-dependencies"];
  execFileSync(vsce, ["package", ...flags, "--out", vsix], { cwd: path.join(import.meta.dirname, "python"), stdio: "ignore" });
  return vsix;
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
