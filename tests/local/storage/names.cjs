"use strict";
// Asks LokiJS the same with and without local/storage/names.cjs, while blobs come, go and are renamed. Says what differs.

const assert = require("node:assert");
const Loki = require("lokijs");
const { indexNames } = require("../../../local/storage/names.cjs");

const PARTS = ["a", "b.c", "10", "9", "ä", "(x)", "\\", "$", "*", "\n", "\u{1F600}"];
let seed = Number(process.argv[2]);
const chance = (below) => ((seed = (seed * 1103515245 + 12345) % 2147483648) >> 8) % below;
const pick = (list) => list[chance(list.length)];
const name = () => Array.from({ length: 1 + chance(3) }, () => pick(PARTS)).join(chance(2) ? "/" : "");
const place = () => ({ accountName: pick(["one", "two"]), containerName: pick(["c", "d"]) });
const escaped = (prefix) => prefix.replace(/[-\/\\^$*+?.()|[\]{}]/g, "\\$&"); // as Azurite does

async function main() {
  const db = new Loki("test");
  const plain = db.addCollection("plain", { indices: ["accountName", "name"] });
  const indexed = db.addCollection("indexed", { indices: ["accountName", "name"] });
  const store = { db, BLOBS_COLLECTION: "indexed", init: async () => {} };
  for (let at = 0; at < 20; at += 1) insert(); // what was there before it starts
  indexNames(store);
  await store.init();
  let looked = 0;
  const get = indexed.get.bind(indexed);
  indexed.get = (...given) => ((looked += 1), get(...given));

  function insert() {
    const document = { ...place(), name: name(), snapshot: pick(["", "", "s"]) };
    for (const collection of [plain, indexed]) collection.insert({ ...document });
  }
  function both(act) {
    const id = pick(plain.data)?.$loki;
    if (id !== undefined) for (const collection of [plain, indexed]) act(collection, collection.data.find((one) => one.$loki === id));
  }
  const found = (collection, query) => collection.chain().find(query).data().map((one) => one.$loki).sort((a, b) => a - b);

  for (let turn = 0; turn < 1500; turn += 1) {
    const [what, other] = [chance(8), name()];
    if (what < 4) insert();
    else if (what === 4) both((collection, one) => collection.remove(one));
    else if (what === 5) both((collection, one) => collection.update(Object.assign(one, { name: other })));
    else if (what === 6) both((collection, one) => collection.update({ ...one, size: turn }));
    const queries = [
      { ...place(), name: name() },
      { name: { $regex: `^${escaped(name().slice(0, 2))}` }, ...place() },
      { ...place(), name: name(), snapshot: "" },
      place(),
      { accountName: "one" },
    ];
    for (const query of queries) {
      assert.deepStrictEqual(found(indexed, query), found(plain, query), JSON.stringify(query));
      assert.strictEqual(indexed.findOne(query) === null || indexed.findOne(query) === undefined, found(plain, query).length === 0);
    }
  }

  for (let number = 0; number < 5000; number += 1) indexed.insert({ accountName: "one", containerName: "many", name: `x/${number}`, snapshot: "" });
  looked = 0;
  assert.strictEqual(found(indexed, { accountName: "one", containerName: "many", name: { $regex: "^x\\/49" } }).length, 111);
  assert.strictEqual(looked, 111, "no more are looked at than are found");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
