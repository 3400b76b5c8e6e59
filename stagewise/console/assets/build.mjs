// Builds what the console's pages load from the sources beside this file, into ../built: `npm run build`.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
const out = join(here, "../built");
const modules = join(root, "node_modules");

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, "fonts"), { recursive: true });

await build({
  entryPoints: { console: join(here, "js/console.js") },
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
