// The README of the package: pictures are inside, for VS Code shows none that lie beside it.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const here = import.meta.dirname;
const text = readFileSync(path.join(here, "README.md"), "utf8").replace(
  /\]\((\.\.\/docs\/images\/[\w-]+\.png)\)/g,
  (_, file) => `](data:image/png;base64,${readFileSync(path.join(here, file)).toString("base64")})`,
);
mkdirSync(path.join(here, "dist"), { recursive: true });
writeFileSync(path.join(here, "dist", "README.md"), text);
