// The real JavaScript SDK against a served project (see project.sh): polling, streaming, remote evaluation, encryption,
// sticky buckets, a rollout.
"use strict";
const path = require("path");
const fs = require("fs");
const { execFileSync } = require("child_process");
const load = require("module").createRequire(path.join(process.env.STEWARD_NODE, "package.json"));
const { GrowthBook, StickyBucketService, setPolyfills, configureCache } = load("@growthbook/growthbook");
const apiHost = process.env.STEWARD_ADDRESS;
let failed = 0;
const check = (name, holds) => { console.log(`${holds ? "ok" : "FAILED"}: JavaScript SDK: ${name}`); failed += !holds; };
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// As browsers have it; node 20 has none.
class EventSource {
  constructor(url) {
    this.listeners = {};
    this.stop = new AbortController();
    fetch(url, { signal: this.stop.signal }).then(async (response) => {
      this.onopen && this.onopen();
      let rest = "";
      for await (const chunk of response.body) {
        rest += Buffer.from(chunk).toString();
        for (let end; (end = rest.indexOf("\n\n")) >= 0; rest = rest.slice(end + 2)) {
          const line = (key) => (rest.slice(0, end).split("\n").find((l) => l.startsWith(key + ": ")) || "").slice(key.length + 2);
          const type = line("event");
          if (this.listeners[type]) this.listeners[type]({ type, data: line("data") });
        }
      }
    }).catch(() => {});
  }
  addEventListener(type, then) { this.listeners[type] = then; }
  close() { this.stop.abort(); }
}
setPolyfills({ EventSource });

class Kept extends StickyBucketService {
  constructor() { super(); this.docs = {}; }
  async getAssignments(name, value) { return this.docs[`${name}||${value}`] || null; }
  async saveAssignments(doc) { this.docs[`${doc.attributeName}||${doc.attributeValue}`] = doc; }
}

(async () => {
  const viewed = [];
  const gb = new GrowthBook({
    apiHost, clientKey: "sdk-web", attributes: { id: "u1" }, stickyBucketService: new Kept(),
    trackingCallback: (experiment, result) => viewed.push([experiment.key, result.key]),
  });
  const loaded = await gb.init({ streaming: true, timeout: 5000 });
  check("features are loaded", loaded.success && loaded.source === "network");
  const result = gb.evalFeature("checkout");
  check("a split assigns and is tracked", result.source === "experiment" && viewed.length === 1 && viewed[0][0] === "checkout");
  await wait(20);
  check("the assignment is kept", Object.keys(gb.getStickyBucketAssignmentDocs() || {}).includes("id||u1"));
  await gb.setAttributes({ id: "tester" });
  check("a tester is forced", gb.getFeatureValue("checkout", "none") === "new_page");
  await gb.setAttributes({ id: "u2", email: "a@larkspur.example" });
  check("a segment is found", gb.evalFeature("checkout").ruleId === "staff");

  const hidden = new GrowthBook({ apiHost, clientKey: "sdk-hidden", decryptionKey: process.env.FLAG_KEY, attributes: { id: "tester" } });
  await hidden.init({ timeout: 5000 });
  check("an encrypted payload is read", hidden.getFeatureValue("checkout", "none") === "new_page");
  const tracked = [];
  const remote = new GrowthBook({
    apiHost, clientKey: "sdk-remote", remoteEval: true, attributes: { id: "u1" },
    trackingCallback: (experiment, r) => tracked.push([experiment.key, r.key]),
  });
  await remote.init({ timeout: 5000 });
  check("remote evaluation gives the same value", remote.getFeatureValue("checkout", "none") === result.value);
  check("remote evaluation is tracked", tracked.length === 1 && tracked[0].join() === viewed[0].join());

  // The SDKs send no documents; a back end that keeps them may.
  const asked = (docs) => fetch(`${apiHost}/api/eval/sdk-remote`, {
    method: "POST", headers: { "content-type": "application/json" },
    body: JSON.stringify({ attributes: { id: "u1" }, stickyBucketAssignmentDocs: docs }),
  }).then((r) => r.json());
  const kept = (variant) => ({ "id||u1": { attributeName: "id", attributeValue: "u1", assignments: { checkout__0: variant } } });
  const values = [(await asked(kept("a"))).features.checkout.defaultValue, (await asked(kept("b"))).features.checkout.defaultValue];
  check("remote evaluation honours kept assignments", values.join() === "old,new_page");
  const made = (await asked({})).stickyBucketAssignmentDocs;
  check("remote evaluation answers new assignments", made["id||u1"].assignments.checkout__0 === result.experimentResult.key);

  const { features, savedGroups } = gb.getPayload();
  const share = Array.from({ length: 500 }, (_, n) => new GrowthBook({ features, savedGroups, attributes: { id: `u${n}` } }).isOn("grow"));
  check("a rollout includes its share", Math.abs(share.filter(Boolean).length / 500 - 0.3) < 0.07);

  const file = path.join(process.env.STEWARD_PROJECT, "flags/all.yaml");
  fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace("flag: grow\n", "flag: grow\nenabled: false\n"));
  const before = gb.getFeatures().grow.rules.length;
  execFileSync(process.env.STEWARD_PROGRAM, ["--project", process.env.STEWARD_PROJECT, "apply", "-m", "off", "--as", "mara"]);
  for (let n = 0; n < 100 && gb.getFeatures().grow.rules; n++) await wait(50);
  check("a change is streamed", before === 1 && gb.getFeatures().grow.rules === undefined);
  gb.destroy(); hidden.destroy(); remote.destroy();
  process.exit(failed ? 1 : 0);
})().catch((e) => { console.log(`FAILED: JavaScript SDK: ${e.stack}`); process.exit(1); });
