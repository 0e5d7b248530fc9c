// The extension by the API of VS Code, inside a real extension host: `test/host/index.cjs`.
//
//   node test/host.mjs        see test/vscode.mjs for what it needs
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { kernel, unpacked, withVSCode } from "./vscode.mjs";

const PATIENCE = 180_000;
const UNGUARDED = `from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel
def scale(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    out[i] = a[i]
`;

await withVSCode({ installs: false }, async (vscode) => {
  const developed = path.join(vscode.scratch, "extension");
  mkdirSync(developed);
  unpacked(developed);
  cpSync(path.join(import.meta.dirname, "host"), path.join(developed, "test"), { recursive: true });
  const folder = vscode.workspace({
    "block_sum.py": kernel("unsafe/block_sum_no_barrier.py"),
    "scale.py": UNGUARDED,
    "closed.py": UNGUARDED.replace("out[i] = a[i]", "out[0] = a[0]"),
    "cells.ipynb": JSON.stringify({
      nbformat: 4,
      nbformat_minor: 5,
      metadata: { language_info: { name: "python" } },
      cells: [
        { id: "a", cell_type: "code", metadata: {}, outputs: [], execution_count: null,
          source: "from oxide import DisjointSlice, f32, kernel, thread\nLAST = 3" },
        { id: "b", cell_type: "markdown", metadata: {}, source: "out[LAST] = 1" },
        { id: "c", cell_type: "code", metadata: {}, outputs: [], execution_count: null,
          source: "@kernel\ndef k(out: DisjointSlice[f32]):\n    out[LAST] = f32(thread.x)" },
      ],
    }),
  }, "C: k\u00e9rnels & 100%");
  const page = await (await vscode.browser.newContext()).newPage();
  const ended = new Promise((resolve) => {
    void page.exposeFunction("codeAutomationExit", resolve);
    setTimeout(() => resolve("timeout"), PATIENCE).unref();
  });
  await page.exposeFunction("codeAutomationLog", () => undefined);
  // A built VS Code listens to what follows only where its own smoke tests run.
  await page.addInitScript(() => {
    const getAttribute = Element.prototype.getAttribute;
    Element.prototype.getAttribute = function (name) {
      const value = getAttribute.call(this, name);
      if (this.id !== "vscode-workbench-web-configuration" || name !== "data-settings") return value;
      const settings = JSON.parse(value);
      settings.developmentOptions = { ...settings.developmentOptions, enableSmokeTestDriver: true };
      return JSON.stringify(settings);
    };
  });
  const payload = [
    ["extensionDevelopmentPath", vscode.remote(developed)],
    ["extensionTestsPath", vscode.remote(path.join(developed, "test", "index.cjs"))],
    ["skipWelcome", "true"],
  ];
  const query = encodeURIComponent(JSON.stringify(payload));
  await page.goto(`http://127.0.0.1:${vscode.port}/?folder=${encodeURIComponent(folder)}&payload=${query}`);
  const code = await ended;
  try {
    process.stdout.write(readFileSync(path.join(folder, "results.txt"), "utf8"));
  } catch {
    console.log("the tests have not begun");
  }
  if (code !== 0) {
    console.log(vscode.logs());
    throw new Error(`the extension host's tests: ${code}`);
  }
});
