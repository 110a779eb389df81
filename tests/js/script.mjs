// Imports scripts as a page gets them: one text of several files (script.py).

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export async function script(...names) {
  const folder = await mkdtemp(join(tmpdir(), "audiomagic-"));
  const read = (name) => readFile(new URL(`../../audiomagic/static/${name}.js`, import.meta.url), "utf-8");
  const module = join(folder, "script.mjs");
  await writeFile(module, (await Promise.all(names.map(read))).join("\n"));
  const found = await import(pathToFileURL(module));
  await rm(folder, { recursive: true });
  return found;
}
