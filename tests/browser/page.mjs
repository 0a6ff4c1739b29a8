// What holds on every page: no accessibility violations in light, dark and on a phone, no errors, nothing cut off.
import axe from "axe-core";

const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

/** Violations of axe's rules, best practices among them, as lines. */
async function violations(page, rules) {
  const found = await page.evaluate(async rules => {
    const options = rules ? { runOnly: { type: "rule", values: rules } } : {};
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"], ...options });
    return violations.map(v => `${v.id} (${v.impact}): ${v.nodes.slice(0, 3).map(n => `${n.target.join(" ")}: ${n.failureSummary.split("\n").slice(1).join(";").trim()}`).join(" | ")}`);
  }, rules);
  return found;
}

/** What sticks out of a narrow screen, as lines. */
const overflow = page => page.evaluate(() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const inScroller = e => { for (let p = e.parentElement; p; p = p.parentElement) if (getComputedStyle(p).overflowX !== "visible") return true; return false; };
  const wide = [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > width + 1 && !inScroller(e));
  return [`the page is ${document.documentElement.scrollWidth} px wide on ${width}: ${wide.slice(0, 4).map(e => `${e.tagName.toLowerCase()}.${e.className.baseVal ?? e.className}`).join(", ")}`];
});

/** Looks at one page; resolves with `light`, `dark`, `phone` and `errors`, each a list of complaints. */
export async function look(context, base, address) {
  const page = await context.newPage();
  const errors = [];
  page.on("console", m => { if (["error", "warning"].includes(m.type())) errors.push(`console: ${m.text()}`); });
  page.on("pageerror", e => errors.push(`script: ${e.message}`));
  page.on("requestfailed", r => errors.push(`request: ${r.url()} ${r.failure()?.errorText}`));
  page.on("request", r => { if (!r.url().startsWith(base) && !r.url().startsWith("data:")) errors.push(`foreign request: ${r.url()}`); });
  try {
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(WIDE);
    await page.goto(base + address, { waitUntil: "load" });
    await page.evaluate(axe.source);
    const light = await violations(page);
    await page.emulateMedia({ colorScheme: "dark" });
    const dark = await violations(page, ["color-contrast", "link-in-text-block"]);
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(PHONE);
    const phone = [...await overflow(page), ...await violations(page)];
    return { light, dark, phone, errors };
  } finally {
    await page.close();
  }
}
