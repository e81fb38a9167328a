// Whoever manages access, in Chromium: gives, sees it work, explains, takes, sees it refused. It is told
// on its input what to open, and tells on its output what came of it, a line of JSON each.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { chromium } from "playwright-core";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { site, password, token, executablePath, pictures } = JSON.parse((await lines.next()).value);
const axe = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const tell = (value) => console.log(JSON.stringify(value));
const said = [];
const flaws = {};
let clicks = 0;
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});

const signIn = async (colorScheme, width) => {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
  const page = await context.newPage();
  page.on("console", (message) => {
    // What axe and the pictures do is not done by the page: it has no address.
    const { url } = message.location();
    if (url && !url.endsWith("/favicon.ico")) said.push(`${url} ${message.text()}`);
  });
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(`${site}/admin/login/?next=/admin/`);
  await page.fill("#id_username", "admin");
  await page.fill("#id_password", password);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${site}/admin/`);
  return page;
};
const page = await signIn("light", 1280);
// What is serious, and is not in Django's own parts of the page.
const look = async (name, of = page) => {
  await of.waitForLoadState("load");
  if (pictures) await of.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
  const found = await of.evaluate(
    `${axe}; axe.run({ include: [["#content"]], exclude: [[".selector"], ["#toolbar"]] })`,
  );
  const serious = found.violations.filter((each) => ["serious", "critical"].includes(each.impact));
  flaws[name] = serious.flatMap((each) => each.nodes.map((node) => `${each.id}: ${node.html}`));
};
// Each leads to another page, which is there once it is loaded.
const lead = async (act) => {
  const there = page.waitForEvent("load");
  await act();
  await there;
};
const click = async (locator) => {
  clicks += 1;
  await lead(() => locator.first().click());
};
const tick = async (name) => {
  clicks += 1;
  await page.getByRole("checkbox", { name }).click();
};
const call = async () => {
  const answer = await fetch(`${site}/notes/`, { headers: { Authorization: `Bearer ${token}` } });
  return answer.status;
};
const words = async () => (await page.locator("ul.messagelist li").allInnerTexts()).join(" ");
const open = async (name) => {
  await click(page.locator("#nav-sidebar, #content").getByRole("link", { name, exact: true }));
};
const find = async (term, name) => {
  await open("Access");
  await page.keyboard.type(term); // the focus is in the search already
  await lead(() => page.keyboard.press("Enter"));
  await look("access-search");
  await click(page.locator("#result_list").getByRole("link", { name }));
};
const explain = async () => {
  await open("Explanations");
  await page.keyboard.type("/notes/"); // the focus is in the path already
  await page.fill("#id_user", "alice");
  await page.fill("#id_client", "demo");
  await lead(() => page.keyboard.press("Enter"));
  await look("explain");
  return page.locator("#answer").innerText();
};

tell({ call: await call() });
await find("writers", "writers");
await tick("Take notes:read");
await page.fill("#take-reason", "a test");
await click(page.getByRole("button", { name: "Take the selected grants" }));
tell({ taken: await words(), call: await call(), clicks });
tell({ explained: await explain() });

clicks = 0;
await find("ali", "alice");
await look("access");
await page.getByRole("checkbox", { name: /notes:read/, exact: false }).and(page.locator("[name=scopes]")).check();
await page.getByRole("radio", { name: /A week/ }).check();
await page.fill("#id_reason", "a test");
await click(page.getByRole("button", { name: "Give", exact: true }));
tell({ given: await words(), call: await call(), clicks: clicks + 2 });
tell({ explained: await explain() });

await find("ali", "alice");
await tick("Take notes:read");
await click(page.getByRole("button", { name: "Take the selected grants" }));
tell({ taken: await words(), call: await call() });
tell({ explained: await explain() });
clicks = 0;
await click(page.locator("#answer").getByRole("link", { name: /Give notes:read to user alice/ }));
await click(page.getByRole("button", { name: "Save", exact: true }));
tell({ given: await words(), call: await call(), clicks });

// How far the keyboard is from the main button, when it starts at the content.
await find("ali", "alice");
await page.locator("#content-start").focus();
let tabs = 0;
for (const there of [(at) => at.hash === "#give", (at) => at.name === "_give"]) {
  do {
    await page.keyboard.press("Tab");
    tabs += 1;
  } while (tabs < 40 && !(await page.evaluate(`(${there})(document.activeElement)`)));
  if (there.toString().includes("hash")) await page.keyboard.press("Enter");
}
await page.goto(page.url().split("?")[0] + "offboard/");
await look("offboard");
await open("Scopes");
await look("scopes");
await click(page.locator("#result_list").getByRole("link", { name: "notes:publish" }));
await look("scope");
const holders = await page.locator(".api-guard-table").first().innerText();
await open("Endpoints");
await look("endpoints");
await click(page.locator("#changelist-filter").getByRole("link", { name: /^public/ }));
const open_ones = await page.locator("#result_list").innerText();
await page.goto(`${site}/admin/auth/user/`);
await click(page.locator("#result_list").getByRole("link", { name: "alice" }));
await click(page.getByRole("link", { name: "API access" }));
tell({ tabs, holders, open: open_ones, title: await page.title() });

const fits = {};
for (const [colorScheme, width] of [["dark", 1280], ["light", 390]]) {
  const other = await signIn(colorScheme, width);
  const name = width < 500 ? "phone" : "dark";
  for (const [each, url] of [
    ["access", page.url()],
    ["scopes", `${site}/admin/api_guard/scope/`],
    ["scope", `${site}/admin/api_guard/scope/notes_3Apublish/`],
    ["endpoints", `${site}/admin/api_guard/endpoint/`],
    ["explain", `${site}/admin/api_guard/explanation/`],
  ]) {
    await other.goto(url);
    await look(`${each}-${name}`, other);
    fits[`${each}-${name}`] = await other.evaluate(
      () => document.documentElement.scrollWidth <= window.innerWidth,
    );
  }
}
tell({ fits, flaws, said });
await browser.close();
