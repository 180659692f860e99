"use strict";
// Finds Azurite's blobs by an index of their names. LokiJS can use one of its indexes for each search: for a blob, that of
// the account, and for a list none, so that every list went through all blobs of all accounts, however few it was of.

class Names {
  constructor(collection) {
    this.collection = collection;
    this.containers = new Map(); // the entries of each, by name, and within a name by age
    this.entries = new Map(); // by the id of the document
    for (const document of collection.data) this.entries.set(document.$loki, entryOf(document));
    for (const entry of this.entries.values()) this.of(entry.container).push(entry);
    for (const entries of this.containers.values()) entries.sort((a, b) => compare(a.name, b.name) || a.id - b.id);
    collection.on("insert", (documents) => [documents].flat().forEach((document) => this.add(document)));
    collection.on("delete", (document) => this.remove(document.$loki));
    collection.on("update", (document) => this.change(document));
  }

  of(container) {
    if (!this.containers.has(container)) this.containers.set(container, []);
    return this.containers.get(container);
  }

  add(document) {
    const entry = entryOf(document);
    this.entries.set(entry.id, entry);
    const entries = this.of(entry.container);
    entries.splice(after(entries, entry.name), 0, entry);
  }

  remove(id) {
    const entry = this.entries.get(id);
    this.entries.delete(id);
    const entries = this.of(entry.container);
    entries.splice(entries.indexOf(entry, from(entries, entry.name)), 1);
  }

  // Azurite never renames a blob; a hierarchy does, in place.
  change(document) {
    const { container, name } = this.entries.get(document.$loki);
    if (container === containerOf(document.accountName, document.containerName) && name === document.name) return;
    this.remove(document.$loki);
    this.add(document);
  }

  // Where the documents are among which those are that a query asks for; undefined where the names say nothing of it.
  rows({ accountName, containerName, name }) {
    if (typeof accountName !== "string" || typeof containerName !== "string") return undefined;
    const entries = this.of(containerOf(accountName, containerName));
    const prefix = typeof name === "string" ? name : prefixOf(name);
    if (prefix === undefined) return undefined;
    const rows = [];
    for (let at = from(entries, prefix); at < entries.length && entries[at].name.startsWith(prefix); at += 1) {
      if (typeof name === "string" && entries[at].name !== name) break;
      rows.push(this.collection.get(entries[at].id, true)[1]);
    }
    return rows;
  }

  // The documents of a container whose names begin so, by name.
  startingWith(account, container, prefix) {
    const entries = this.of(containerOf(account, container));
    const found = [];
    for (let at = from(entries, prefix); at < entries.length && entries[at].name.startsWith(prefix); at += 1) {
      found.push(this.collection.get(entries[at].id));
    }
    return found;
  }
}

const containerOf = (account, container) => `${account}/${container}`;
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

function entryOf(document) {
  return { id: document.$loki, name: document.name, container: containerOf(document.accountName, document.containerName) };
}

// A list asks by a regular expression that is an escaped prefix, or by nothing where it wants all.
function prefixOf(name) {
  if (name === undefined) return "";
  return typeof name.$regex === "string" && name.$regex.startsWith("^") ? name.$regex.slice(1).replace(/\\(.)/gs, "$1") : undefined;
}

// The first place at, and the first after, all entries that come before this name, or have it.
const from = (entries, name) => place(entries, (entry) => entry.name < name);
const after = (entries, name) => place(entries, (entry) => entry.name <= name);

function place(entries, isBefore) {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(entries[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Has one of Azurite's stores find blobs by their names. To be called before the store is initialised.
function indexNames(store) {
  const init = store.init.bind(store);
  store.init = async () => {
    await init();
    const collection = store.db.getCollection(store.BLOBS_COLLECTION);
    const names = (store.blobNames = new Names(collection));
    const chain = collection.chain.bind(collection);
    collection.chain = (...given) => {
      const found = chain(...given);
      const find = found.find.bind(found);
      found.find = (query, firstOnly) => {
        const rows = found.filterInitialized ? undefined : names.rows(query ?? {});
        if (rows !== undefined) {
          // What is left of the query is asked of these alone.
          found.filteredrows = rows;
          found.filterInitialized = true;
        }
        return find(query, firstOnly);
      };
      return found;
    };
  };
}

module.exports = { indexNames };
