"use strict";
// Azurite's blob and queue services in one process that ends, saved, when stdin closes: however the parent ended.
// Prints "ready" on stdout; everything that Azurite says goes to stderr.

console.log = console.info = console.error;

// Azurite loads its telemetry and its SQL store also where both are off, which takes two thirds of its start. Nothing
// of them is called here; the store's models only have to have a class to extend.
standIn("applicationinsights", {});
standIn("sequelize", { Model: class {} });

const Environment = require("azurite/dist/src/common/Environment").default;
const { BlobServerFactory } = require("azurite/dist/src/blob/BlobServerFactory");
const QueueConfiguration = require("azurite/dist/src/queue/QueueConfiguration").default;
const QueueServer = require("azurite/dist/src/queue/QueueServer").default;
const Operation = require("azurite/dist/src/blob/generated/artifacts/operation").default;
const permissions = require("azurite/dist/src/blob/authentication/OperationAccountSASPermission").default;
const queue = require("azurite/dist/src/queue/utils/constants");
const BlobRequest = require("azurite/dist/src/blob/generated/ExpressRequestAdapter").default;
const QueueRequest = require("azurite/dist/src/queue/generated/ExpressRequestAdapter").default;
const BlobHandler = require("azurite/dist/src/blob/handlers/BlobHandler").default;
const StorageErrorFactory = require("azurite/dist/src/blob/errors/StorageErrorFactory").default;
const utils = require("azurite/dist/src/blob/utils/utils");
const { mkdirSync } = require("fs");
const { join } = require("path");
const { keepHierarchy, serveHierarchy } = require("./directories.cjs");
const { keepJournal } = require("./journal.cjs");
const { indexNames } = require("./names.cjs");

const QUIET = false;
const CLIENT_PROTOCOL = "front-protocol"; // upstream.py

// A signature may be for HTTPS only, and clients came to the front by it, however the front comes here. So does the
// source of a copy that Azurite reads from itself: its client named it by the URL of the front.
for (const Request of [BlobRequest, QueueRequest]) {
  const ownProtocol = Request.prototype.getProtocol;
  Request.prototype.getProtocol = function () {
    return this.getHeader(CLIENT_PROTOCOL) ?? ownProtocol.call(this);
  };
}
ofAzurite("axios").defaults.headers.common[CLIENT_PROTOCOL] = "https";

// Reads know `bytes=a-b` and `bytes=a-` (Azure docs, specifying-the-range-header-for-blob-service-operations). Azurite
// failed at `bytes=-3` and took any unit for bytes. A range that is not understood is ignored: RFC 9110, section 14.2.
const { deserializeRangeHeader, deserializePageBlobRangeHeader } = utils;
utils.deserializeRangeHeader = (standard, own) => deserializeRangeHeader(understood(own || standard));
utils.deserializePageBlobRangeHeader = (standard, own, changes = true) =>
  changes ? deserializePageBlobRangeHeader(standard, own) : deserializePageBlobRangeHeader(understood(own || standard), undefined, false);

function understood(range) {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
  return first === undefined || (last !== "" && Number(last) < Number(first)) ? undefined : range;
}

// A range that begins at the end of a blob has nothing of it. Azurite refused those only that begin behind it.
for (const method of ["downloadBlockBlobOrAppendBlob", "downloadPageBlob"]) {
  const download = BlobHandler.prototype[method];
  BlobHandler.prototype[method] = async function (options, context, blob) {
    const { contentLength } = blob.properties;
    const range = understood(context.request.getHeader("x-ms-range") || context.request.getHeader("range"));
    if (range !== undefined && parseInt(range.slice("bytes=".length), 10) >= contentLength) {
      throw StorageErrorFactory.getInvalidPageRange2(context.contextId, `bytes */${contentLength}`);
    }
    return download.call(this, options, context, blob);
  };
}

// Azurite seals append blobs, but has no rule for who may with a SAS: who may append may seal, as in Azure.
permissions.set(Operation.AppendBlob_Seal, permissions.get(Operation.AppendBlob_AppendBlock));

function standIn(name, exports) {
  const id = idInAzurite(name);
  require.cache[id] = { id, filename: id, loaded: true, exports };
}

function ofAzurite(name) {
  return require(idInAzurite(name));
}

function idInAzurite(name) {
  return require.resolve(name, { paths: [require.resolve("azurite/package.json")] });
}

function queueServer(env, location) {
  const extents = [{ ...queue.DEFAULT_QUEUE_PERSISTENCE_ARRAY[0], locationPath: join(location, queue.DEFAULT_QUEUE_PERSISTENCE_PATH) }];
  return new QueueServer(
    new QueueConfiguration(
      env.queueHost(), env.queuePort(), env.queueKeepAliveTimeout(),
      join(location, queue.DEFAULT_QUEUE_LOKI_DB_PATH), join(location, queue.DEFAULT_QUEUE_EXTENT_LOKI_DB_PATH), extents,
      QUIET, undefined, false, undefined, env.loose(), env.skipApiVersionCheck(), "", "", "", undefined,
      env.disableProductStyleUrl(), false,
    ),
  );
}

async function main() {
  const env = new Environment();
  const location = await env.location();
  mkdirSync(location, { recursive: true });
  const servers = [await new BlobServerFactory().createServer(env), queueServer(env, location)];
  for (const server of servers) {
    keepJournal(server.metadataStore);
    keepJournal(server.extentMetadataStore);
  }
  indexNames(servers[0].metadataStore);
  const hierarchical = (process.env.HIERARCHICAL_ACCOUNTS ?? "").split(",").filter(Boolean);
  serveHierarchy(servers[0], keepHierarchy(servers[0].metadataStore, hierarchical));
  for (const server of servers) await server.start();

  let closing = false;
  async function close() {
    if (closing) return;
    closing = true;
    setTimeout(() => process.exit(0), 10000).unref(); // a client that will not let go; the journal has everything
    await Promise.all(servers.map((server) => server.close()));
    process.exit(0);
  }
  process.on("SIGTERM", close).on("SIGINT", close);
  process.stdin.on("end", close).on("error", close).resume();
  process.stdout.write("ready\n");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
