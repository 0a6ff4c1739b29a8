// Generated cases with the answers of the real SDK, one JSON document a line: node cases.cjs COUNT SEED > FILE.
// Each case is {payload, subject, key, want}: the payload as the SDK takes it, who asks, the feature, and what the SDK said.
"use strict";
const path = require("path");
const { createRequire } = require("module");
const load = createRequire(path.join(process.env.STEWARD_NODE || __dirname, "package.json"));
process.env.NODE_ENV = "production";
const { GrowthBook } = load("@growthbook/growthbook");

const count = Number(process.argv[2] || 20000);
let state = BigInt(process.argv[3] || 20260101);
const mask = (1n << 64n) - 1n;
function next() { // splitmix64
  state = (state + 0x9e3779b97f4a7c15n) & mask;
  let z = state;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
  return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53;
}
const int = (n) => Math.floor(next() * n);
const chance = (p) => next() < p;
const pick = (list) => list[int(list.length)];
const times = (n, make) => Array.from({ length: n }, make);

const TEXTS = ["", "a", "b", "A", "DE", "de", "é", "É", "日本", "😀", "a😀b", "\uFFFD", "ﬀ", "ß", "İ", "Σς", "null", "true", "0", "1", " 7 ",
  "10", "9", "1e3", "0x10", "abc-123", "foo@larkspur.example", "a/b", "x,y", "[object Object]", "line\nend", "u" + "1".repeat(30)];
const VERSIONS = ["1.2.3", "v1.2.3", "1.10.0", "1.9.0", "1.2.3-rc.1", "1.2.3-rc.10", "1.2.3+build.5", "v2", "1", "1.2", "10.0.0-beta", "1.2.3-alpha",
  "", "abc", "1.2.3+b\n+c", "99999.1.0", "123456.1.0", "1..2", "-1", "é.1.2"];
const NUMBERS = [0, -0, 1, -1, 2, 7, 10, 0.1, 0.30000000000000004, 1e21, 1e-7, 123456789012, 3.5, 1.2, 1000];
const KEYS = ["id", "country", "version", "age", "tags", "company", "premium", "mail", "2", "1", "nested"];
const scalar = () => pick([() => pick(TEXTS), () => pick(NUMBERS), () => chance(0.5), () => null, () => pick(VERSIONS)])();
function value(depth = 0) {
  if (depth > 1 || chance(0.7)) return scalar();
  if (chance(0.6)) return times(int(4), () => value(depth + 1));
  const map = {};
  times(int(4), () => { map[pick(["b", "a", "10", "2", "plan", "value", "é"])] = value(depth + 1); });
  return map;
}
const PATTERNS = ["^a", "b$", "^(DE|FR)$", "^\\d+$", "\\w+@\\w+\\.example", "^.$", "^..$", "a/b", "[^a-c]", "(", "*", "é", "É", "ß", "[a-zé]+", "\\s", "\\bfoo\\b",
  "^null$", "a{2,}", "x{", "😀", "[😀]", "\\u0041", "\\x61", "^[\\w.-]+$", "\\Bo", "1{3,5}", "[]", "[^]", "^$", "\\.", "σ", "K", "ſ", "i"];
function operator(depth) {
  const op = pick(["$eq", "$ne", "$lt", "$lte", "$gt", "$gte", "$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte", "$in", "$nin", "$ini", "$nini", "$all", "$alli",
    "$exists", "$type", "$elemMatch", "$size", "$not", "$regex", "$regexi", "$inGroup", "$notInGroup", "$unknown"]);
  const list = () => chance(0.05) ? scalar() : times(int(chance(0.1) ? 15 : 4), scalar);
  switch (op) {
    case "$in": case "$nin": case "$ini": case "$nini": return [op, list()];
    case "$all": case "$alli": return [op, chance(0.05) ? scalar() : times(int(3), () => test(depth + 1))];
    case "$exists": return [op, chance(0.9) ? chance(0.5) : scalar()];
    case "$type": return [op, pick(["string", "number", "boolean", "array", "object", "null", "undefined", "odd"])];
    case "$elemMatch": return [op, chance(0.5) ? operators(depth + 1) : condition(depth + 1)];
    case "$size": return [op, chance(0.5) ? int(3) : operators(depth + 1)];
    case "$not": return [op, test(depth + 1)];
    case "$regex": case "$regexi": return [op, chance(0.03) ? scalar() : pick(PATTERNS)];
    case "$inGroup": case "$notInGroup": return [op, pick(["g1", "g2", "g3", "none"])];
    default: return [op, op.startsWith("$v") ? (chance(0.9) ? pick(VERSIONS) : scalar()) : chance(0.9) ? scalar() : value()];
  }
}
function operators(depth) {
  const map = {};
  times(1 + int(2), () => { const [k, v] = operator(depth); map[k] = v; });
  return map;
}
const test = (depth) => depth > 3 || chance(0.3) ? (chance(0.8) ? scalar() : value()) : operators(depth);
const place = () => chance(0.8) ? pick(KEYS) : pick(["company.plan", "tags.0", "tags.length", "nested.a.b", "tags.1", "company", "missing.x", "nested.2", "mail.length"]);
function condition(depth = 0) {
  const map = {};
  times(int(depth ? 3 : 2) + (chance(0.9) ? 1 : 0), () => {
    if (depth < 3 && chance(0.2)) {
      const op = pick(["$and", "$or", "$nor", "$not", "$savedGroup"]);
      map[op] = op === "$not" ? condition(depth + 1)
        : op === "$savedGroup" ? pick([{ id: "g1" }, { id: "g2" }, { id: "g3" }, { id: "g3", attributeKey: "id" }, { id: "g4" }, { id: "g5" }, { id: 1 }, { id: "g3", attributeKey: 1 }])
        : times(int(3), () => condition(depth + 1));
    } else {
      map[place()] = test(depth);
    }
  });
  return map;
}
const groups = () => ({
  g1: times(int(14), scalar),
  g2: { type: "list", attributeKey: pick(KEYS), values: times(int(4), scalar) },
  g3: { type: "list", attributeKey: "country", values: times(int(4), scalar) },
  g4: { type: "condition", condition: chance(0.3) ? { $savedGroup: { id: "g5" } } : condition(2) },
  g5: { type: "condition", condition: { $or: [condition(2), { $savedGroup: { id: "g4" } }] } },
});
const attribute = () => pick(["id", "id", "id", "country", "company", "age", "tags", "mail", "premium", "none", ""]);
const bound = () => pick([0, 0.1, 0.25, 0.3, 0.5, 0.7, 0.75, 1, next(), Math.round(next() * 1000) / 1000]);
const range = () => { const a = bound(), b = bound(); return chance(0.9) ? [Math.min(a, b), Math.max(a, b)] : [a, b]; };
const maybe = (map, p, key, make) => { if (chance(p)) map[key] = make(); };
const FEATURES = ["f0", "f1", "f2", "f3", "é-flag"];
function rule(at) {
  const r = {};
  maybe(r, 0.5, "id", () => "r" + int(9));
  maybe(r, 0.4, "condition", condition);
  maybe(r, 0.25, "parentConditions", () => times(1 + int(2), () => {
    const p = { id: pick([...FEATURES, "ghost"]), condition: chance(0.5) ? { value: test(2) } : condition(2) };
    maybe(p, 0.4, "gate", () => chance(0.7));
    return p;
  }));
  const slice = () => { const f = { seed: pick(["s1", "s2", "é"]), ranges: times(int(3), range) }; maybe(f, 0.5, "attribute", attribute); maybe(f, 0.5, "hashVersion", () => pick([0, 1, 2, 3])); return f; };
  maybe(r, 0.15, "filters", () => times(int(3), slice));
  maybe(r, 0.5, "hashAttribute", attribute);
  maybe(r, 0.3, "fallbackAttribute", attribute);
  maybe(r, 0.3, "seed", () => pick(["seed", "", "søk", "😀"]));
  maybe(r, 0.6, "hashVersion", () => pick([1, 2, 2, 3, 0]));
  maybe(r, 0.4, "coverage", () => pick([0, 1, -0.5, 1.5, bound(), bound()]));
  if (chance(0.45)) {
    r.force = value();
    maybe(r, 0.3, "range", range);
    return r;
  }
  if (chance(0.05)) return r;
  const n = pick([0, 1, 2, 2, 2, 3, 4]);
  r.variations = times(n, () => value());
  maybe(r, 0.5, "key", () => pick(["exp", "exp2", "", "é"]));
  maybe(r, 0.5, "weights", () => chance(0.7) ? (n === 2 ? pick([[0.5, 0.5], [0.1, 0.9], [0.333, 0.667]]) : n === 3 ? [0.2, 0.3, 0.5] : times(n, () => 1 / n)) : times(int(5), bound));
  maybe(r, 0.2, "ranges", () => times(int(2) + n, range));
  maybe(r, 0.2, "namespace", () => { const [a, b] = range(); return [pick(["ns", "ñ"]), a, b]; });
  maybe(r, 0.5, "meta", () => times(n, (_, i) => { const m = {}; maybe(m, 0.8, "key", () => pick(["v" + i, "v" + i, ""])); maybe(m, 0.4, "name", () => "Name " + i); maybe(m, 0.1, "passthrough", () => true); return m; }));
  maybe(r, 0.2, "disableStickyBucketing", () => chance(0.5));
  maybe(r, 0.3, "bucketVersion", () => int(3));
  maybe(r, 0.2, "minBucketVersion", () => int(3));
  return r;
}
function make() {
  const features = {};
  for (const [at, key] of FEATURES.entries()) {
    if (at > 0 && chance(0.2)) continue;
    const f = {};
    maybe(f, 0.9, "defaultValue", () => value());
    maybe(f, 0.9, "rules", () => times(int(5), () => rule(at)));
    features[key] = f;
  }
  const attributes = {};
  for (const key of KEYS) maybe(attributes, 0.7, key, () =>
    key === "id" ? pick([() => "u" + int(1e6), () => int(1e6), () => pick(TEXTS), () => next()])()
    : key === "version" ? pick(VERSIONS) : key === "tags" ? times(int(4), scalar) : value());
  const subject = { attributes };
  maybe(subject, 0.2, "url", () => "https://shop.example/p?" + pick(["exp=1", "exp=0&a=1", "exp=9", "exp=1abc#x", "a=1&exp=2#exp=1", "exp2=0x1", "exp=", "exp", "é=1", "f0= 1"]));
  maybe(subject, 0.15, "forcedVariations", () => ({ [pick(["exp", "exp2", "f0", "f1"])]: pick([0, 1, 2, 7, -1]) }));
  maybe(subject, 0.1, "forcedFeatures", () => ({ [pick(FEATURES)]: value() }));
  maybe(subject, 0.05, "qaMode", () => true);
  maybe(subject, 0.05, "enabled", () => false);
  maybe(subject, 0.4, "sticky", () => {
    const docs = {};
    for (const key of KEYS.concat("none")) {
      if (!attributes[key] || chance(0.4)) continue;
      const text = typeof attributes[key] === "string" ? attributes[key] : JSON.stringify(attributes[key]);
      const assignments = {};
      times(int(4), () => { assignments[pick(["exp", "exp2", "f0", "f1", "é"]) + "__" + int(3)] = pick(["v0", "v1", "0", "1", "gone"]); });
      docs[key + "||" + text] = { attributeName: key, attributeValue: text, assignments };
    }
    return docs;
  });
  return JSON.parse(JSON.stringify({ payload: { features, savedGroups: groups() }, subject, key: pick(FEATURES.concat("ghost")) }));
}
function ask({ payload, subject, key }) {
  const viewed = [], saved = {};
  const gb = new GrowthBook({
    features: structuredClone(payload.features), savedGroups: structuredClone(payload.savedGroups), attributes: structuredClone(subject.attributes),
    url: subject.url || "", forcedVariations: subject.forcedVariations, qaMode: !!subject.qaMode, enabled: subject.enabled !== false,
    trackingCallback: (e, r) => viewed.push([e.key, r.variationId, r.hashAttribute, r.hashValue]),
  });
  if (subject.forcedFeatures) gb.setForcedFeatures(new Map(Object.entries(subject.forcedFeatures)));
  if (subject.sticky) {
    gb._options.stickyBucketAssignmentDocs = structuredClone(subject.sticky);
    gb._saveStickyBucketAssignmentDoc = (doc) => { saved[doc.attributeName + "||" + doc.attributeValue] = structuredClone(doc); };
  }
  const errors = console.error;
  console.error = () => {};
  let want;
  try {
    const r = gb.evalFeature(key);
    const e = r.experimentResult;
    want = { value: r.value, on: r.on, source: r.source, ruleId: r.ruleId, viewed, saved };
    if (e) want.experiment = { experiment: r.experiment.key, key: e.key, name: e.name ?? null, variationId: e.variationId, inExperiment: e.inExperiment, hashUsed: e.hashUsed, hashAttribute: e.hashAttribute, hashValue: e.hashValue, bucket: e.bucket ?? null, stickyBucketUsed: e.stickyBucketUsed };
  } catch (error) {
    want = { throws: true };
  }
  console.error = errors;
  gb.destroy();
  return want;
}
let written = 0, lines = [];
while (written < count) {
  const asked = make();
  const want = ask(asked);
  if (want.throws) continue; // a malformed payload that the SDK itself fails on
  lines.push(JSON.stringify({ ...asked, want }));
  written += 1;
  if (lines.length === 500 || written === count) { process.stdout.write(lines.join("\n") + "\n"); lines = []; }
}
