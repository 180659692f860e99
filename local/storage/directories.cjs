"use strict";
// Puts a hierarchy into Azurite: the Blob API keeps to it, and POST /_hierarchy/<operation> changes it.

const { Hierarchy, isDirectory, refused, saysFolder } = require("./hierarchy.cjs");

const OPERATIONS = new Set(["createFile", "createDirectory", "flush", "rename", "remove", "list"]);
const PATH = "/_hierarchy/";

// To be called after keepJournal and before the store is initialised. Gives what answers the operations.
function keepHierarchy(store, accounts) {
  const hierarchy = new Hierarchy(store, accounts);
  const { plain } = hierarchy;
  for (const name of ["createBlob", "commitBlockList", "stageBlock", "startCopyFromURL", "copyFromURL", "deleteBlob", "setBlobMetadata", "listBlobs", "listAllBlobs"]) {
    plain[name] = store[name].bind(store);
  }

  // Has `check` look at the arguments of one of the store's methods, if its account has a hierarchy.
  function guard(name, accountOf, check) {
    store[name] = (...args) => {
      if (!accounts.includes(accountOf(args))) return plain[name](...args);
      return hierarchy.alone(() => {
        const changed = check(...args);
        return plain[name](...(changed ?? args));
      });
    };
  }

  const ofModel = ([, model]) => model.accountName;
  const ofTarget = ([, , target]) => target.account;
  const ofName = ([, account]) => account;
  const place = (model, directory) => hierarchy.checkPlace(model.accountName, model.containerName, model.name, directory);
  const target = (_, source, to) => hierarchy.checkPlace(to.account, to.container, to.blob, false);
  guard("createBlob", ofModel, (_, model) => place(model, isDirectory(model)));
  guard("commitBlockList", ofModel, (_, model, blocks) => place(model, saysFolder(model.metadata) && blocks.length === 0));
  guard("stageBlock", ofModel, (_, block) => hierarchy.checkStaging(block));
  guard("startCopyFromURL", ofTarget, target);
  guard("copyFromURL", ofTarget, target);
  guard("deleteBlob", ofName, (_, account, container, blob) => hierarchy.checkDeleting(account, container, blob));
  guard("setBlobMetadata", ofName, (context, account, container, blob, lease, metadata, conditions) => [
    context, account, container, blob, lease, hierarchy.withMark(account, container, blob, metadata), conditions,
  ]);
  store.listBlobs = (...args) => (args[3] !== undefined && accounts.includes(args[1]) ? listLevel(plain, ...args) : plain.listBlobs(...args));
  // Azurite's collector of unused data asks for all blobs page by page, by name; a rename in between must not hide one.
  store.listAllBlobs = (_, ...args) => plain.listAllBlobs(Number.MAX_SAFE_INTEGER, ...args);

  const init = store.init.bind(store);
  store.init = async () => {
    await init();
    hierarchy.blobs.on("pre-insert", (document) => hierarchy.makeParent(document));
    hierarchy.blobs.on("pre-update", (document) => hierarchy.makeParent(document));
    // An account that was flat until now gets its directories.
    for (const document of [...hierarchy.blobs.data]) hierarchy.makeParent(document);
  };
  return hierarchy;
}

// List Blobs with a delimiter: directories are prefixes, the empty ones too.
async function listLevel(plain, context, account, container, delimiter, blob, prefix = "", limit = 5000, marker = "", snapshots, uncommitted, startFrom) {
  if (delimiter !== "/") {
    throw refused(400, "InvalidQueryParameterValue", "Only / is supported as the delimiter on accounts with a hierarchical namespace.");
  }
  const [blobs] = await plain.listBlobs(context, account, container, undefined, blob, prefix, Number.MAX_SAFE_INTEGER, "", snapshots, uncommitted, startFrom);
  const level = new Map();
  for (const one of blobs) {
    const end = one.name.indexOf("/", prefix.length);
    if (end >= 0) level.set(one.name.slice(0, end + 1), []);
    else if (isDirectory(one)) level.set(`${one.name}/`, []);
    else level.set(one.name, [...(level.get(one.name) ?? []), one]);
  }
  const names = [...level.keys()].filter((name) => name > marker).sort((a, b) => (a < b ? -1 : 1));
  const page = names.slice(0, limit);
  return [
    page.flatMap((name) => level.get(name)),
    page.filter((name) => name.endsWith("/")).map((name) => ({ name })),
    names.length > limit ? page.at(-1) : "",
  ];
}

// Has an Azurite server answer the operations of `hierarchy`. An account cannot be called "_hierarchy".
function serveHierarchy(server, hierarchy) {
  const [blobService] = server.httpServer.listeners("request");
  server.httpServer.removeAllListeners("request");
  server.httpServer.on("request", (request, response) => {
    if (request.url.startsWith(PATH)) carryOut(hierarchy, request, response);
    else blobService(request, response);
  });
}

async function carryOut(hierarchy, request, response) {
  const answer = (status, body) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  try {
    const operation = request.url.slice(PATH.length);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (!OPERATIONS.has(operation)) throw refused(400, "InvalidInput", `Unknown operation ${operation}.`);
    const input = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    answer(200, await hierarchy.alone(() => hierarchy[operation](input)));
  } catch (error) {
    if (error.storageErrorCode === undefined) console.error(error);
    answer(error.statusCode ?? 500, { code: error.storageErrorCode ?? "InternalError", message: error.storageErrorMessage ?? String(error) });
  }
}

module.exports = { keepHierarchy, serveHierarchy };
