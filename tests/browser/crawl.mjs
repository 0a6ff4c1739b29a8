// Every address reachable from home, and a sample of them that shows every kind of page.

const links = (html, page) => [...html.matchAll(/href="([^"]+)"/g)]
  .map(m => m[1].replaceAll("&amp;", "&").split("#")[0])
  .map(h => h.startsWith("?") ? page.split("?")[0] + (h === "?" ? "" : h) : h)
  .filter(h => h.startsWith("/") && !h.startsWith("//"));

/** Follows all links: `pages` (HTML), and `broken` addresses with where they were found. */
export async function crawl(base) {
  const found = new Map([["/", "the start"]]);
  const open = ["/"];
  const pages = [], broken = [];
  const one = async address => {
    const answer = await fetch(base + address);
    const text = await answer.text();
    if (answer.status !== 200) broken.push(`${address} (${answer.status}), linked on ${found.get(address)}`);
    if (!(answer.headers.get("content-type") ?? "").startsWith("text/html")) return;
    pages.push(address);
    for (const link of links(text, address)) {
      if (!found.has(link)) { found.set(link, address); open.push(link); }
    }
  };
  while (open.length) await Promise.all(open.splice(0, 4).map(one));
  return { pages: pages.sort(), broken, addresses: found.size };
}

/** Pages of one shape: same folder, same parameters. */
const shape = address => {
  const [path, query] = address.split("?");
  const parts = path.split("/");
  const folder = parts.slice(0, parts[1] === "k" ? 3 : 2).join("/");
  const deep = parts.length > (parts[1] === "k" ? 3 : 2) ? "/*" : "";
  const ending = path.endsWith(".html") ? ".html" : "";
  return folder + deep + ending + (query ? "?" + query.split("&").map(p => p.split("=")[0]).sort().join("&") : "");
};

/** How many pages of a shape are looked at; experiments differ most from each other. */
const MOST = { "/k/experiment/*": 9, "/k/dataset/*": 5, "/k/metric/*": 5, "/why/*": 8, "/ledger/*": 6 };

/** From each shape some pages, spread evenly over it. */
export function sample(pages) {
  const shapes = Map.groupBy ? Map.groupBy(pages, shape) : pages.reduce((map, page) => {
    const key = shape(page);
    return map.set(key, [...(map.get(key) ?? []), page]);
  }, new Map());
  const chosen = [];
  for (const [key, all] of shapes) {
    const n = Math.min(all.length, MOST[key] ?? 3);
    for (let i = 0; i < n; i++) chosen.push(all[Math.floor(i * all.length / n)]);
  }
  return chosen;
}
