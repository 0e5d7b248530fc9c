// One file for the extension host; `vscode` is the host's own module.
import { build } from "esbuild";

await build({
  entryPoints: ["src/extension.ts", "src/server.ts"],
  outdir: "dist",
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"],
  minify: process.argv.includes("--minify"),
  logLevel: "warning",
});
