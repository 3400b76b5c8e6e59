// Builds what the console's pages load from the sources beside this file, into ../built: `npm run build`.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync } from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

// Every page loads console.js; the others are for the pages that name them in their script block.
const SCRIPTS = ["console", "charts", "lead", "sorting"];

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
const built = join(here, "../built");
const modules = join(root, "node_modules");

// Built beside, then moved file by file: a console that runs meanwhile never finds one missing.
mkdirSync(join(root, ".cache"), { recursive: true });
const out = mkdtempSync(join(root, ".cache/built-"));
mkdirSync(join(out, "fonts"));

await build({
  entryPoints: Object.fromEntries(SCRIPTS.map((name) => [name, join(here, `js/${name}.js`)])),
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  legalComments: "none",
  logLevel: "warning",
});

execFileSync(
  join(modules, ".bin/tailwindcss"),
  ["--input", join(here, "css/console.css"), "--output", join(out, "console.css"), "--minify"],
  { cwd: root, stdio: ["ignore", "ignore", "inherit"] },
);

// The style sheet names the typeface's files where the package keeps them; here they lie beside it.
const sheet = join(out, "console.css");
const style = readFileSync(sheet, "utf8").replaceAll(/url\((["']?)[^)"']*files\/([\w-]+\.woff2)\1\)/g, (_all, _quote, name) => {
  copyFileSync(join(modules, "@fontsource-variable/inter/files", name), join(out, "fonts", name));
  return `url(fonts/${name})`;
});
writeFileSync(sheet, style);
cpSync(join(here, "static"), out, { recursive: true });

const files = (folder) => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
const within = (folder, each) => join(each.parentPath, each.name).slice(folder.length + 1);
const made = files(out).map((each) => within(out, each));
for (const name of made) {
  mkdirSync(dirname(join(built, name)), { recursive: true });
  renameSync(join(out, name), join(built, name));
}
for (const name of files(built).map((each) => within(built, each))) {
  if (!made.includes(name) && existsSync(join(built, name))) {
    rmSync(join(built, name));
  }
}
rmSync(out, { recursive: true });
