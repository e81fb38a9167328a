// Seven tasks of whoever manages access, in Chromium. Each begins on the index of the admin, and uses what
// a person sees there: links, buttons and fields, by their words. It counts each click, and each time that
// something is typed or chosen in a field. It is told on its input what to open, and tells on its output what
// came of each task, a line of JSON each.
import { createInterface } from "node:readline/promises";
import { chromium } from "playwright-core";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { site, password, token, secret, executablePath, pictures } = JSON.parse((await lines.next()).value);
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
context.setDefaultTimeout(10000);
const page = await context.newPage();
let task = "";
let clicks = 0;
let fields = 0;
let step = 0;

const look = async () => {
  step += 1;
  const name = `task-${task.slice(0, 24).replaceAll(/\W+/g, "-")}-${step}`;
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
};
const seen = (role, name, within) => within.getByRole(role, { name, exact: typeof name === "string" });
// Playwright refuses to click what is hidden or covered, and what is not the only one.
const tick = async (role, name, within = page) => {
  clicks += 1;
  await seen(role, name, within).click();
};
// Leads to another page.
const go = async (role, name, within = page) => {
  await look();
  const there = page.waitForEvent("load");
  await tick(role, name, within);
  await there;
  await look();
};
const write = async (label, text, within = page) => {
  fields += 1;
  await seen("textbox", label, within).fill(text);
};
const choose = async (label, text) => {
  fields += 1;
  await seen("combobox", label, page).selectOption(text);
};
const find = async (name) => {
  await go("link", "Access");
  await write("Search", name);
  await go("button", "Search");
};
// A row of the list of users, groups and clients that were found.
const found = (name) => go("link", name, page.getByRole("row").filter({ hasText: name }));
const messages = async () => (await page.locator("ul.messagelist li").allInnerTexts()).join(" ");
// The rows of the first table, without its head.
const table = async () => {
  const [, ...rows] = await page.getByRole("main").getByRole("table").first().getByRole("row").allInnerTexts();
  return rows.map((each) => each.replaceAll(/\s+/g, " ").trim());
};

const called = async (bearer, method = "GET") => {
  const answer = await fetch(`${site}/notes/`, { method, headers: { Authorization: `Bearer ${bearer}` } });
  return answer.status;
};
const asClient = async (method) => {
  const answer = await fetch(`${site}/o/token/`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`reporter:${secret}`)}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope: "notes:read" }),
  });
  return answer.ok ? called((await answer.json()).access_token, method) : answer.status;
};

const tasks = {
  "Let a client read for a week": async () => {
    const before = await asClient();
    await find("report");
    await found("Reporter");
    await tick("checkbox", /^Read notes/);
    await tick("radio", /^A week/);
    await write("Reason:", "the report of the year");
    await go("button", "Give");
    return { before, after: await asClient(), said: await messages(), shown: await table() };
  },
  "Give three scopes to two users": async () => {
    const before = await called(token);
    await go("link", "Add", page.getByRole("row", { name: /^Scope grants/ }));
    for (const name of ["carol", "dave"]) {
      fields += 1;
      await page.locator(".form-row", { hasText: "Who:" }).getByRole("searchbox").pressSequentially(name);
      await tick("option", new RegExp(name));
    }
    for (const name of [/^Read notes/, /^Change notes/, /^Publish notes/]) await tick("checkbox", name);
    await go("button", "Save", page.locator(".submit-row").first());
    return { before, after: await called(token), said: await messages() };
  },
  "Find out why a client was refused": async () => {
    const called = await asClient("POST");
    await go("link", "Explanations");
    await choose("Method:", "POST");
    await write("Path:", "/notes/");
    await write("Client:", "reporter");
    await go("button", "Explain");
    const gives = await page.getByRole("link", { name: /^Give/ }).allInnerTexts();
    return { called, shown: await table(), gives };
  },
  "See who can publish": async () => {
    await go("link", "Scopes");
    await go("link", "notes:publish");
    const users = await table();
    await go("link", "clients");
    return { shown: [...users, ...(await table())] };
  },
  "See what a user may do, and through what": async () => {
    await find("carol");
    await found("carol");
    return { shown: await table() };
  },
  "End everything of somebody who left": async () => {
    const before = await called(token);
    await find("carol");
    await found("carol");
    await go("link", "End all access…");
    const shown = await table();
    await write("New owner of the clients:", "dave");
    await write("Reason:", "left on Friday");
    await go("button", "End all access");
    return { before, after: await called(token), shown, said: await messages() };
  },
  "See which endpoints are public": async () => {
    await go("link", "Endpoints");
    await go("link", /^public/, page.getByRole("navigation", { name: "Filter" }));
    return { shown: await table() };
  },
};

await page.goto(`${site}/admin/login/?next=/admin/`);
await page.fill("#id_username", "admin");
await page.fill("#id_password", password);
await page.keyboard.press("Enter");
await page.waitForURL(`${site}/admin/`);
for (const [name, act] of Object.entries(tasks)) {
  [task, clicks, fields, step] = [name, 0, 0, 0];
  await page.goto(`${site}/admin/`);
  const outcome = await act();
  console.log(JSON.stringify({ task, clicks, fields, ...outcome }));
}
await browser.close();
