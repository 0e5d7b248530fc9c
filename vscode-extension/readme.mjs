// Two pages from README.md, whose pictures lie in docs/images:
//
// * dist/README.md, for marketplaces. They show pictures by https alone, so IMAGES_URL says where
//   docs/images can be read; without it the page has none.
// * dist/welcome.md, which the extension opens by itself, with its pictures beside it.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const here = import.meta.dirname;
const dist = path.join(here, "dist");
const text = readFileSync(path.join(here, "README.md"), "utf8");
const PICTURE = /!\[([^\]]*)\]\(\.\.\/docs\/images\/([\w-]+\.png)\)/g;
const { IMAGES_URL } = process.env;

mkdirSync(path.join(dist, "images"), { recursive: true });
for (const [, , name] of text.matchAll(PICTURE)) {
  copyFileSync(path.join(here, "../docs/images", name), path.join(dist, "images", name));
}
writeFileSync(path.join(dist, "welcome.md"), text.replace(PICTURE, "![$1](images/$2)"));
const online = IMAGES_URL === undefined ? "" : `![$1](${IMAGES_URL.replace(/\/$/, "")}/$2)`;
writeFileSync(path.join(dist, "README.md"), text.replace(PICTURE, online).replace(/\n{3,}/g, "\n\n"));
