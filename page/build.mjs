// Copies what the page takes from others beside its own files, compressed as it is served.

import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const modules = new URL("node_modules/", import.meta.url);
const vendor = new URL("../isbitcoinlit/web/page/vendor/", import.meta.url);

const files = {
  "lightweight-charts.js": "lightweight-charts/dist/lightweight-charts.standalone.production.mjs",
  "lightweight-charts.LICENSE": "lightweight-charts/LICENSE",
  "swagger-ui.js": "swagger-ui-dist/swagger-ui-bundle.js",
  "swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
  "swagger-ui.LICENSE": "swagger-ui-dist/LICENSE",
  "swagger-ui.NOTICE": "swagger-ui-dist/NOTICE",
};

// What points to maps that are not served would be asked for in vain.
const sourceMap = /^(\/\/|\/\*)# sourceMappingURL=.*$/gm;

await mkdir(vendor, { recursive: true });
for (const [name, path] of Object.entries(files)) {
  const text = (await readFile(new URL(path, modules), "utf8")).replace(sourceMap, "");
  const packed = await promisify(gzip)(text, { level: 9 });
  await writeFile(new URL(`${name}.gz`, vendor), packed);
}
for (const name of await readdir(vendor)) {
  if (!(name.replace(/\.gz$/, "") in files)) await rm(new URL(name, vendor));
}
