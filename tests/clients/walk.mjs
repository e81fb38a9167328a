// Opens every page of api_guard in the admin, and the first row of every list, in Chromium: light, dark,
// and as narrow as a phone. It tells what axe finds, what does not fit, and what the browser complains about.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { chromium } from "playwright-core";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { site, password, parts, executablePath, pictures } = JSON.parse((await lines.next()).value);
const axe = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const said = new Set();
const pages = {};
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});

const signIn = async (colorScheme, width) => {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
  const page = await context.newPage();
  page.on("console", (message) => {
    const { url } = message.location();
    const isOfPage = url && !url.endsWith("/favicon.ico"); // what axe does has no address
    if (isOfPage && ["error", "warning"].includes(message.type())) said.add(`${url} ${message.text()}`);
  });
  page.on("pageerror", (error) => said.add(String(error)));
  await page.goto(`${site}/admin/login/?next=/admin/`);
  await page.fill("#id_username", "admin");
  await page.fill("#id_password", password);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${site}/admin/`);
  return page;
};
const linksOf = (page, pattern) =>
  page.evaluate(
    (source) =>
      [...document.querySelectorAll("a[href]")]
        .map((each) => each.href.split("#")[0])
        .filter((href) => new RegExp(source).test(href)),
    pattern,
  );

// Which pages: those that the index names, and one row of each.
const first = await signIn("light", 1280);
await first.goto(`${site}/admin/api_guard/`);
const lists = new Set([`${site}/admin/api_guard/`]);
for (const each of await linksOf(first, "/admin/api_guard/\\w+/$")) lists.add(each);
const all = new Set(lists);
for (const list of lists) {
  await first.goto(list);
  const own = list.replace(site, "");
  const rows = await linksOf(first, `${own}(?!add/|end-access/|help/)[^?]+/(change/)?$`);
  for (const each of [...(await linksOf(first, `${own}add/$`)).slice(0, 1), ...rows.slice(0, 1)]) all.add(each);
}
for (const [kind, colorScheme, width] of [
  ["light", "light", 1280],
  ["dark", "dark", 1280],
  ["phone", "light", 390],
]) {
  const page = kind === "light" ? first : await signIn(colorScheme, width);
  for (const url of all) {
    const answer = await page.goto(url);
    await page.waitForLoadState("load");
    const name = `${new URL(url).pathname.replaceAll("/", "-").slice(1, -1)}-${kind}`;
    if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
    const isOurs = (await page.locator(parts.include.flat().join(", ")).count()) > 0;
    const found = await page.evaluate(
      isOurs ? `${axe}; axe.run(${JSON.stringify(parts)})` : "({ violations: [] })",
    );
    const serious = found.violations.filter((each) => ["serious", "critical"].includes(each.impact));
    pages[name] = {
      status: answer.status(),
      flaws: serious.flatMap((each) => each.nodes.map((node) => `${each.id}: ${node.html.slice(0, 300)}`)),
      fits: await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth),
    };
  }
}
console.log(JSON.stringify({ pages, said: [...said] }));
await browser.close();
