// A user at the page of consent, in Chromium. It is told on its input what to open, and tells on its
// output what came of it, a line of JSON each.
import { createInterface } from "node:readline/promises";
import { chromium } from "playwright-core";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { url, cookies, executablePath, pictures } = JSON.parse((await lines.next()).value);
const tell = (value) => console.log(JSON.stringify(value));
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});

const open = async (colorScheme, width) => {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 720 } });
  await context.addCookies(cookies);
  const page = await context.newPage();
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  await page.goto(url);
  return { page, said };
};
for (const [colorScheme, width] of [["light", 900], ["dark", 360]]) {
  const { page } = await open(colorScheme, width);
  if (pictures) await page.screenshot({ path: `${pictures}/consent-${colorScheme}.png` });
  tell(
    await page.evaluate(() => ({
      title: document.title,
      fits: document.documentElement.scrollWidth <= window.innerWidth,
      ground: getComputedStyle(document.body).backgroundColor,
      button: document.querySelector("button.allow").getBoundingClientRect().height,
      labels: [...document.querySelectorAll("label")].map((each) => each.innerText.trim()),
    })),
  );
}
const { page } = await open("light", 900);
// By the keyboard alone: the second box, then the button.
for (const key of ["Tab", "Tab", "Space", "Tab", "Enter"]) await page.keyboard.press(key);
await page.waitForURL((to) => to.searchParams.has("code"));
tell({ back: page.url() });
const again = await open("light", 900);
await again.page.getByRole("button", { name: "Decline" }).click();
await again.page.waitForURL((to) => to.searchParams.has("error"));
tell({ back: again.page.url(), said: again.said });
await browser.close();
