// Types into each editor in Chromium, and writes what each has made of it, a line of JSON each.
import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, normalize } from "node:path";
import { chromium } from "playwright-core";

const [executablePath, ...names] = process.argv.slice(2);
const types = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const server = createServer(async (request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
  const name = path.slice(1);
  if (names.includes(name)) {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end('<!doctype html><div id="editor"></div>'
      + `<link rel="stylesheet" href="/out/${name}.css"><script type="module" src="/out/${name}.js"></script>`);
    return;
  }
  try {
    const body = await readFile(`.${path}`);
    response.setHeader("Content-Type", types[extname(path)] ?? "application/octet-stream");
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
await build({
  entryPoints: names.map((name) => `${name}.mjs`), bundle: true, format: "esm", target: "es2022",
  outdir: "out", loader: { ".svg": "text" }, logLevel: "error",
});
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
for (const name of names) {
  const page = await browser.newPage();
  const failed = [];
  page.on("pageerror", (error) => failed.push(String(error)));
  await page.route((url) => url.hostname !== "127.0.0.1", (route) => route.abort());
  await page.goto(`http://127.0.0.1:${server.address().port}/${name}`);
  await page.waitForFunction(() => window.ready === true, null, { timeout: 60_000 });
  for (let place = 0; ; place += 1) {
    const step = await page.evaluate(async (at) => {
      const found = window.steps[at];
      if (typeof found !== "function") return found;
      await found();
      return true;
    }, place);
    if (step === undefined) break;
    if (step === "Enter") await page.keyboard.press("Enter");
    else if (typeof step === "string") await page.keyboard.type(step);
  }
  console.log(JSON.stringify({ name, written: await page.evaluate(() => window.written()), failed }));
  await page.close();
}
await browser.close();
server.close();
