// Usage: node run.mjs STEWARD [CHROMIUM]. One line per check; exit code 1 if one fails.
import { chromium } from "playwright-core";
import { crawl, sample } from "./crawl.mjs";
import { JOURNEYS } from "./journeys.mjs";
import { look } from "./page.mjs";
import { serveBadPage, serveDemo } from "./server.mjs";

const [binary, executablePath = "/usr/bin/chromium"] = process.argv.slice(2);
let failed = 0;
const check = (name, complaints) => {
  if (complaints.length) failed++;
  console.log(`${complaints.length ? "FAILED" : "ok"}: ${name}`);
  for (const complaint of complaints) console.log(`    ${complaint}`);
};

const demo = process.env.STEWARD_ADDRESS ? { address: process.env.STEWARD_ADDRESS, stop: async () => {} } : await serveDemo(binary);
// Playwright gives each launch a fresh user data directory.
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
try {
  const base = demo.address;
  const { pages, broken, addresses } = await crawl(base);
  check(`all ${addresses} addresses linked from home answer`, broken);
  check("the crawl reaches every kind of page", ["/objectives", "/metrics", "/experiments", "/data", "/flags", "/reports", "/ledger",
    "/k/objective/", "/k/metric/", "/k/experiment/", "/k/dataset/", "/k/report/", "/k/initiative/", "/k/bet/", "/why/"]
    .filter(kind => !pages.some(p => p.startsWith(kind))).map(kind => `nothing below ${kind}`));
  const context = await browser.newContext();
  const bad = await serveBadPage();
  const seen = await look(context, bad.address, "/");
  bad.stop();
  check("a page with every fault is found out", ["light", "dark", "phone", "errors"].filter(part => !seen[part].length).map(part => `${part} saw nothing`));
  const chosen = [...sample(pages), "/search?q=orders"];
  const open = chosen.slice();
  const one = async () => {
    for (let address = open.shift(); address; address = open.shift()) {
      const { light, dark, phone, errors } = await look(context, base, address);
      check(`${address} in light`, light);
      check(`${address} in dark`, dark);
      check(`${address} at 390 px`, phone);
      check(`${address} without errors`, errors);
    }
  };
  await Promise.all([one(), one()]);
  // Asked for by nothing and found by nobody: the page of an error is a page too.
  const missing = await look(context, base, "/k/metric/revenu");
  check("the page of an unknown name", [...missing.light, ...missing.dark, ...missing.phone]);
  await context.close();
  for (const [name, journey] of JOURNEYS) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    try {
      await journey({ browser, page, base });
      check(name, []);
    } catch (e) {
      check(name, [e.message.split("\n").slice(0, 4).join(" ")]);
    } finally {
      await context.close();
    }
  }
} finally {
  await browser.close();
  await demo.stop();
}
process.exitCode = failed ? 1 : 0;
