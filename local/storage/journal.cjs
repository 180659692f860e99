"use strict";
// A write-ahead journal for Azurite's LokiJS databases. Azurite saves a database only every five seconds, so that kill -9
// would take back writes that clients were told are done. Here every change to a document is appended to a file first
// (which survives the process, if not a power cut), and applied again when the database is next loaded.
//
// Segments are numbered. A save closes the segment before it takes its snapshot and deletes it once the snapshot is in place;
// applying a segment that a snapshot already holds changes nothing, because each line has the whole document.

const fs = require("fs");
const { basename, dirname, join } = require("path");

class JournaledFiles {
  constructor(inner) {
    this.inner = inner; // LokiJS's own file adapter
    this.segment = undefined;
    this.held = undefined;
  }

  segments(file) {
    const prefix = `${basename(file)}.journal.`;
    return fs
      .readdirSync(dirname(file))
      .filter((name) => name.startsWith(prefix))
      .map((name) => Number(name.slice(prefix.length)))
      .sort((a, b) => a - b);
  }

  path(file, number) {
    return join(dirname(file), `${basename(file)}.journal.${number}`);
  }

  loadDatabase(file, callback) {
    this.inner.loadDatabase(file, (text) => {
      if (typeof text !== "string" || text === "") return callback(text);
      const database = JSON.parse(text);
      for (const number of this.segments(file)) apply(database, fs.readFileSync(this.path(file, number), "utf8"));
      callback(JSON.stringify(database));
    });
  }

  saveDatabase(file, text, callback) {
    const done = this.segments(file);
    if (this.segment !== undefined) fs.closeSync(this.segment);
    this.segment = fs.openSync(this.path(file, (done.at(-1) ?? 0) + 1), "a");
    this.inner.saveDatabase(file, text, (error) => {
      if (!error) for (const number of done) fs.rmSync(this.path(file, number), { force: true });
      callback(error);
    });
  }

  deleteDatabase(file, callback) {
    this.inner.deleteDatabase(file, callback);
  }

  append(collection, document, gone) {
    const change = gone ? [collection, document.$loki] : [collection, document.$loki, document];
    if (this.held !== undefined) this.held.push(change);
    else this.write(change);
  }

  write(line) {
    fs.writeSync(this.segment, `${JSON.stringify(line)}\n`);
  }

  // Has all changes that `work` makes in one line: a kill keeps all of them, or none. `work` does not wait for anything.
  together(work) {
    this.held = [];
    try {
      return work();
    } finally {
      const changes = this.held;
      this.held = undefined;
      this.write(changes);
    }
  }
}

function apply(database, journal) {
  const documents = new Map(database.collections.map((c) => [c.name, new Map(c.data.map((d) => [d.$loki, d]))]));
  const complete = journal.slice(0, journal.lastIndexOf("\n") + 1); // the last line may have been cut off by the kill
  for (const text of complete.split("\n").filter(Boolean)) {
    const line = JSON.parse(text);
    for (const [collection, id, document] of typeof line[0] === "string" ? [line] : line) {
      if (document === undefined) documents.get(collection).delete(id);
      else documents.get(collection).set(id, document);
    }
  }
  for (const collection of database.collections) {
    collection.data = [...documents.get(collection.name).values()].sort((a, b) => a.$loki - b.$loki);
    collection.maxId = Math.max(collection.maxId, collection.data.at(-1)?.$loki ?? 0);
    collection.idIndex = collection.data.map((document) => document.$loki);
  }
}

// Makes the database of one of Azurite's stores keep a journal. To be called before the store is initialised.
function keepJournal(store) {
  const files = new JournaledFiles(store.db.persistenceAdapter);
  store.db.persistenceAdapter = files;
  store.together = (work) => files.together(work);
  const init = store.init.bind(store);
  store.init = async () => {
    await init();
    for (const collection of store.db.collections) {
      collection.ensureAllIndexes(true);
      collection.on("insert", (document) => files.append(collection.name, document, false));
      collection.on("update", (document) => files.append(collection.name, document, false));
      collection.on("delete", (document) => files.append(collection.name, document, true));
    }
  };
}

module.exports = { keepJournal };
