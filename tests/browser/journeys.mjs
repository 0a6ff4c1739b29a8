// What people come for, step by step, as they would: with the mouse, with the keyboard alone, without JavaScript.

const assert = (holds, what) => { if (!holds) throw new Error(what); };
const main = page => page.locator("main");
const path = page => new URL(page.url()).pathname;

/** From home to an experiment, why its number is what it is, and the decision in the ledger that cites it. */
async function fromHomeToTheLedger({ page, base }) {
  await page.goto(base);
  await main(page).locator('a[href^="/k/experiment/"]').first().click();
  assert(path(page).startsWith("/k/experiment/"), `at ${page.url()}`);
  const experiment = path(page);
  await main(page).getByRole("link", { name: "why?" }).first().click();
  assert(path(page).startsWith("/why/"), `at ${page.url()}`);
  const evidence = path(page).split("/")[2];
  assert(/select/i.test(await main(page).innerText()), "evidence shows its SQL");
  await page.goto(base + experiment);
  const form = main(page).locator('form[action$="/decide"]').first();
  await form.locator('[name="choice"]').first().evaluate(e => e.tagName).then(async tag => {
    if (tag === "SELECT") await form.locator('[name="choice"]').selectOption("stop");
    else await form.locator('[name="choice"][value="stop"]').first().check();
  });
  await form.locator('[name="reason"]').fill("It does not pay for its upkeep.");
  await form.locator('[name="actor"]').fill("mara");
  const waiver = form.locator('[name="waiver"]');
  if (await waiver.count()) await waiver.fill("");
  await form.getByRole("button").first().click();
  await page.waitForLoadState();
  assert(/It does not pay for its upkeep\./.test(await main(page).innerText()), `the decision stands on the page: ${(await main(page).innerText()).slice(0, 300)}`);
  await page.goto(`${base}/why/${evidence}`);
  await main(page).locator('a[href^="/ledger/"]').first().click();
  assert(/^\/ledger\/\d+$/.test(path(page)), `at ${page.url()}`);
  const text = await main(page).innerText();
  assert(text.includes("It does not pay for its upkeep."), `the event says why: ${text.slice(0, 300)}`);
  assert(text.includes("mara"), "the event says who");
  await page.goto(`${base}/ledger`);
  assert((await main(page).innerText()).includes("mara"), "the ledger lists the decision");
}

async function search({ page, base }) {
  await page.goto(base);
  await page.getByRole("searchbox").fill("revenue");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/search\?q=revenue/);
  const hit = main(page).locator('a[href="/k/metric/revenue"]').first();
  await hit.click();
  assert(path(page) === "/k/metric/revenue", `at ${page.url()}`);
  await page.goto(`${base}/search?q=zzzzqqqq`);
  const none = await main(page).innerText();
  assert(/\b0 found|nothing/i.test(none), `an empty search says so: ${none}`);
}

async function palette({ page, base }) {
  await page.goto(base);
  await page.keyboard.press("Control+k");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await page.keyboard.type("gross margin");
  await dialog.getByRole("link").first().waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await page.keyboard.press("Control+k");
  await page.keyboard.type("metric revenue");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/k\/metric\//);
}

/** The keyboard alone: the first stop skips to the content, then every section, each visibly focused. */
async function keyboard({ page, base }) {
  await page.goto(base);
  const focused = () => page.evaluate(() => {
    const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
    const visible = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
    return { text: e.textContent.trim(), href: e.getAttribute("href"), visible, shown: box.width > 1 && box.left >= 0 && box.top >= 0 };
  });
  await page.keyboard.press("Tab");
  const skip = await focused();
  assert(skip.href === "#content" && skip.shown, `the first stop skips to the content, in sight: ${JSON.stringify(skip)}`);
  const reached = [];
  for (let i = 0; i < 24; i++) {
    await page.keyboard.press("Tab");
    const at = await focused();
    if (at.href) { assert(at.visible && at.shown, `focus shows on ${at.href}`); reached.push(at.href); }
  }
  for (const section of ["/", "/objectives", "/metrics", "/experiments", "/flags", "/data", "/reports", "/ledger"]) {
    assert(reached.includes(section), `${section} is reached by Tab: ${reached}`);
  }
  await page.goto(base);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert(await page.evaluate(() => document.activeElement.id) === "content", "skipping puts the focus on the content");
}

async function theme({ page, base }) {
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(base);
  const colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await colour();
  await page.getByRole("button", { name: "Theme" }).click();
  const dark = await colour();
  assert(light !== dark, `the theme changes ${light}`);
  await page.goto(`${base}/metrics`);
  assert(await colour() === dark, "the next page keeps the theme");
}

/** Sections, figures, tables and forms are there when no script runs. */
async function withoutJavaScript({ browser, base }) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  try {
    const page = await context.newPage();
    for (const section of ["/", "/objectives", "/metrics", "/experiments", "/flags", "/data", "/reports", "/ledger"]) {
      await page.goto(base + section);
      assert((await main(page).innerText()).length > 100, `${section} says something`);
    }
    await page.goto(base);
    await page.locator("nav").getByRole("link", { name: "Experiments", exact: true }).click();
    await main(page).locator('a[href^="/k/experiment/"]').first().click();
    assert(await main(page).locator("svg").count() > 0, "charts are drawn");
    assert(await main(page).locator("table").count() > 0, "tables are there");
    assert(await main(page).locator('form[action$="/decide"]').count() > 0, "decisions can be taken");
    await page.getByRole("searchbox").fill("orders");
    await page.getByRole("searchbox").press("Enter");
    await page.waitForURL(/\/search\?q=orders/);
    await main(page).locator('a[href^="/k/metric/orders"]').first().click();
    assert(path(page).startsWith("/k/metric/orders"), `at ${page.url()}`);
  } finally {
    await context.close();
  }
}

export const JOURNEYS = [
  ["search finds a metric, and says when it finds nothing", search],
  ["the palette opens, closes and leads to a metric", palette],
  ["the keyboard alone reaches every section, visibly", keyboard],
  ["the theme switch is kept from page to page", theme],
  ["everything works without JavaScript", withoutJavaScript],
  ["from home to an experiment, its evidence, a decision and its event", fromHomeToTheLedger],
];
