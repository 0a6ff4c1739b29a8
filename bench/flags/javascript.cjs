// The JavaScript SDK on the payload of steward-bench-flags: node javascript.cjs PAYLOAD [COUNT]. The SDK is taken from
// STEWARD_NODE/node_modules.
"use strict";
const path = require("path");
const fs = require("fs");
process.env.NODE_ENV = "production";
const load = require("module").createRequire(path.join(process.env.STEWARD_NODE || __dirname, "package.json"));
const { GrowthBookClient } = load("@growthbook/growthbook");

const client = new GrowthBookClient().initSync({ payload: JSON.parse(fs.readFileSync(process.argv[2], "utf8")) });
const count = Number(process.argv[3] || 1_000_000);
const UNITS = [
  ["all five rules, split", (n) => ({ id: `u${n}`, email: `u${n}@mail.example`, country: "DE", version: "2.4.1", plan: "pro" })],
  ["all five rules, numbers for texts", (n) => ({ id: n, email: n + 0.5, country: 49, version: 2.4, plan: true })],
  ["the first rule", (n) => ({ id: `u${n}`, email: `u${n}@shop.example` })],
  ["nothing but the unit", (n) => ({ id: `u${n}` })],
];
let found = 0;
console.log("| unit | ns an evaluation |\n|---|---|");
for (const [name, make] of UNITS) {
  const units = Array.from({ length: 1000 }, (_, n) => ({ attributes: make(n) }));
  const round = () => { for (const unit of units) found += client.evalFeature("checkout", unit).on; };
  for (let n = 0; n < 50; n++) round();
  const rounds = Math.ceil(count / units.length);
  const started = process.hrtime.bigint();
  for (let n = 0; n < rounds; n++) round();
  console.log(`| ${name} | ${Math.round(Number(process.hrtime.bigint() - started) / (rounds * units.length))} |`);
}
if (!found) throw new Error("nobody got anything");
