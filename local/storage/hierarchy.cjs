"use strict";
// Accounts with a hierarchy on top of Azurite's flat blob store. A directory is a zero-byte blob with the metadata
// hdi_isfolder=true, which is how the Blob service shows one. What its listings do with them: Azure docs, "Known issues with
// Azure Data Lake Storage", "Blob Storage APIs".
//
// Rule 1: whoever commits a blob makes the directories above it, before it, so that no kill leaves a blob without them.
// Rule 2: a rename changes names in Azurite's documents and nothing else. So etag, Last-Modified and content stay
//         (HADOOP-18002, HADOOP-18012), and since it is one turn of the event loop and one line of the journal, nobody ever
//         sees half of it, kill -9 included.
//
// Error codes: Azure docs, rest/api/storageservices/datalakestoragegen2, "Other Status Codes".

const StorageError = require("azurite/dist/src/blob/errors/StorageError").default;
const { validateWriteConditions } = require("azurite/dist/src/blob/conditions/WriteConditionalHeadersValidator");
const { newEtag } = require("azurite/dist/src/common/utils/utils");
const { randomUUID } = require("crypto");
const { planFlush, positionOf } = require("./flushing.cjs");

const FOLDER = "hdi_isfolder";

function refused(status, code, message) {
  return new StorageError(status, code, message, randomUUID());
}

const conflict = () =>
  refused(409, "PathConflict", "The specified path, or an element of the path, exists and its resource type is invalid for this operation.");
const notFound = () => refused(404, "PathNotFound", "The specified path does not exist.");

function saysFolder(metadata) {
  return Object.entries(metadata ?? {}).some(([key, value]) => key.toLowerCase() === FOLDER && value === "true");
}

const isDirectory = (document) => document.isCommitted && saysFolder(document.metadata) && !document.properties.contentLength;
const parentOf = (name) => name.slice(0, Math.max(0, name.lastIndexOf("/")));

function ancestorsOf(name) {
  const parent = parentOf(name);
  return parent === "" ? [] : [...ancestorsOf(parent), parent];
}

// Whether the Blob API has written the file, or a part of it. The Data Lake API does not write to it then.
function isOfBlobApi(document) {
  return Boolean(document.persistency) || (document.committedBlocksInOrder ?? []).some((block) => positionOf(block.name) === undefined);
}

function fresh(account, filesystem, name, properties, metadata) {
  const now = new Date();
  return {
    accountName: account, containerName: filesystem, name, snapshot: "", deleted: false, isCommitted: true,
    metadata, committedBlocksInOrder: [],
    properties: {
      creationTime: now, lastModified: now, etag: newEtag(), contentLength: 0, contentType: "application/octet-stream",
      blobType: "BlockBlob", leaseStatus: "unlocked", leaseState: "available", accessTier: "Hot", accessTierInferred: true,
      serverEncrypted: true, ...properties,
    },
  };
}

function entryOf(document) {
  const { etag, lastModified, creationTime, contentLength, contentType, blobType } = document.properties;
  return {
    name: document.name, isDirectory: isDirectory(document), contentLength: contentLength ?? 0, etag,
    contentType: contentType ?? "", blobType,
    lastModified: new Date(lastModified).toUTCString(), creationTime: new Date(creationTime ?? lastModified).toUTCString(),
  };
}

function conditionsOf({ ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = {}) {
  const date = (text) => (text === undefined ? undefined : new Date(text));
  return { ifMatch, ifNoneMatch, ifModifiedSince: date(ifModifiedSince), ifUnmodifiedSince: date(ifUnmodifiedSince) };
}

const context = () => ({ contextId: randomUUID(), startTime: new Date() });

class Hierarchy {
  constructor(store, accounts) {
    this.store = store;
    this.accounts = new Set(accounts);
    this.last = Promise.resolve();
    this.plain = {}; // the store's own methods
    this.moving = false;
  }

  get blobs() {
    return this.store.db.getCollection(this.store.BLOBS_COLLECTION);
  }

  get blocks() {
    return this.store.db.getCollection(this.store.BLOCKS_COLLECTION);
  }

  // Azurite's store does its work between promises; one change at a time keeps what was checked true until it is done.
  alone(work) {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }

  // By name first, as Azurite asks: LokiJS looks the first one up in its index, and goes through what that finds.
  at(account, filesystem, name) {
    return this.blobs.findOne({ name, accountName: account, containerName: filesystem, snapshot: "" }) ?? undefined;
  }

  below(collection, field, account, filesystem, name) {
    const inside = name === "" ? "" : `${name}/`;
    if (collection === this.blobs) return this.store.blobNames.startingWith(account, filesystem, inside);
    return collection.where((d) => d.accountName === account && d.containerName === filesystem && d[field].startsWith(inside));
  }

  found(account, filesystem, path) {
    const document = this.at(account, filesystem, path);
    if (!document?.isCommitted) throw notFound();
    return document;
  }

  needFilesystem(account, filesystem) {
    const known = this.store.db.getCollection(this.store.CONTAINERS_COLLECTION).findOne({ accountName: account, name: filesystem });
    if (!known) throw refused(404, "FilesystemNotFound", "The specified filesystem does not exist.");
  }

  // Throws when something that is no directory is in the way of a file (or of a directory) at `name`.
  checkPlace(account, filesystem, name, directory) {
    if (name.split("/").includes("")) {
      throw refused(400, "InvalidUri", `A path with an empty element is not supported on accounts with a hierarchy here: ${name}`);
    }
    for (const ancestor of ancestorsOf(name)) {
      const above = this.at(account, filesystem, ancestor);
      if (above && !isDirectory(above)) throw conflict();
    }
    const there = this.at(account, filesystem, name);
    if (there && there.isCommitted && isDirectory(there) !== directory) throw conflict();
  }

  makeParent(document) {
    const { accountName: account, containerName: filesystem, name } = document;
    if (this.moving || !this.accounts.has(account) || !document.isCommitted) return;
    const parent = parentOf(name);
    if (parent === "" || this.at(account, filesystem, parent)) return;
    this.blobs.insert(fresh(account, filesystem, parent, {}, { [FOLDER]: "true" })); // which makes its own parent first
  }

  createFile({ account, filesystem, path, properties, metadata, conditions, leaseId }) {
    this.needFilesystem(account, filesystem);
    this.checkPlace(account, filesystem, path, false);
    const file = fresh(account, filesystem, path, properties, metadata);
    const done = this.plain.createBlob(context(), file, { leaseId }, conditionsOf(conditions));
    return done.then(() => {
      this.forgetStaged(account, filesystem, path);
      return entryOf(this.found(account, filesystem, path));
    });
  }

  createDirectory({ account, filesystem, path, metadata, conditions }) {
    this.needFilesystem(account, filesystem);
    this.checkPlace(account, filesystem, path, true);
    const there = this.at(account, filesystem, path);
    validateWriteConditions(context(), conditionsOf(conditions), there);
    if (there && conditions?.ifNoneMatch === "*") throw refused(409, "PathAlreadyExists", "The specified path already exists.");
    if (!there) this.blobs.insert(fresh(account, filesystem, path, {}, { ...metadata, [FOLDER]: "true" }));
    return entryOf(this.found(account, filesystem, path));
  }

  staged(account, filesystem, path) {
    return this.blocks.find({ blobName: path, accountName: account, containerName: filesystem });
  }

  forgetStaged(account, filesystem, path) {
    for (const block of this.staged(account, filesystem, path)) this.blocks.remove(block);
  }

  async flush({ account, filesystem, path, position, retain, properties, conditions, leaseId }) {
    const file = this.found(account, filesystem, path);
    if (isDirectory(file)) throw conflict();
    if (isOfBlobApi(file)) {
      throw refused(409, "InvalidFlushOperation", "The resource was created or modified by the Blob Service API and cannot be written to by the Data Lake Storage Service API.");
    }
    const blocks = this.staged(account, filesystem, path);
    const plan = planFlush(file.properties.contentLength, blocks, position);
    if (plan === undefined) {
      throw refused(400, "InvalidFlushPosition", "The uploaded data is not contiguous or the position query parameter value is not equal to the length of the file after appending the uploaded data.");
    }
    const { contentMD5, ...others } = properties;
    const list = [
      ...file.committedBlocksInOrder.map(({ name }) => ({ blockName: name, blockCommitType: "committed" })),
      ...plan.committed.map(({ name }) => ({ blockName: name, blockCommitType: "uncommitted" })),
    ];
    const flushed = {
      ...file, isCommitted: true,
      properties: {
        ...file.properties, ...others, lastModified: new Date(), etag: newEtag(),
        contentMD5: contentMD5 === undefined ? undefined : new Uint8Array(Buffer.from(contentMD5, "base64")), // not verified
      },
    };
    await this.plain.commitBlockList(context(), flushed, list, { leaseId }, conditionsOf(conditions));
    for (const { $loki, meta, ...block } of retain ? plan.left : []) this.blocks.insert(block);
    return entryOf(this.found(account, filesystem, path));
  }

  rename({ account, source, filesystem, path, mode, conditions, sourceConditions }) {
    this.needFilesystem(account, filesystem);
    const moved = this.at(account, source.filesystem, source.path);
    if (!moved?.isCommitted) throw refused(404, "SourcePathNotFound", "The source path for a rename operation does not exist.");
    const within = source.filesystem === filesystem && `${path}/`.startsWith(`${source.path}/`);
    if (within) {
      throw refused(409, "InvalidRenameSourcePath", "The source directory cannot be the same as the destination directory, nor can the destination be a subdirectory of the source directory.");
    }
    this.checkRename(moved, { account, filesystem, path, mode, conditions, sourceConditions });
    this.moving = true; // there is nothing to make, and the indexes are of no use meanwhile
    try {
      this.store.together(() => {
        this.clear(account, filesystem, path);
        this.move(this.blobs, "name", account, source, { filesystem, path });
        this.move(this.blocks, "blobName", account, source, { filesystem, path });
      });
    } finally {
      this.moving = false;
    }
    return entryOf(moved);
  }

  checkRename(moved, { account, filesystem, path, mode, conditions, sourceConditions }) {
    try {
      validateWriteConditions(context(), conditionsOf(sourceConditions), moved);
    } catch (error) {
      throw error.storageErrorCode === "ConditionNotMet"
        ? refused(412, "SourceConditionNotMet", "The source condition specified using HTTP conditional header(s) is not met.")
        : error;
    }
    const parent = parentOf(path);
    const above = parent === "" ? undefined : this.at(account, filesystem, parent);
    if (parent !== "" && !above?.isCommitted) {
      throw refused(404, "RenameDestinationParentPathNotFound", "The parent directory of the destination path does not exist.");
    }
    if (above && !isDirectory(above)) throw conflict();
    const there = this.at(account, filesystem, path);
    validateWriteConditions(context(), conditionsOf(conditions), there);
    if (!there?.isCommitted) return;
    const taken = () => refused(409, "PathAlreadyExists", "The specified path already exists.");
    if (conditions?.ifNoneMatch === "*") throw taken();
    if (isDirectory(there) !== isDirectory(moved)) {
      throw refused(409, "InvalidSourceOrDestinationResourceType", "The source and destination resource type must be identical.");
    }
    // As rename(2) of POSIX has it; the mode "legacy" replaces the directory and what is in it.
    if (mode !== "legacy" && this.below(this.blobs, "name", account, filesystem, path).length > 0) throw taken();
  }

  clear(account, filesystem, path) {
    for (const [collection, field] of [[this.blobs, "name"], [this.blocks, "blobName"]]) {
      const gone = [...collection.find({ [field]: path, accountName: account, containerName: filesystem }), ...this.below(collection, field, account, filesystem, path)];
      for (const document of gone) collection.remove(document);
    }
  }

  move(collection, field, account, source, target) {
    const own = collection.find({ [field]: source.path, accountName: account, containerName: source.filesystem });
    const moved = [...own, ...this.below(collection, field, account, source.filesystem, source.path)];
    for (const document of moved) {
      document[field] = target.path + document[field].slice(source.path.length);
      document.containerName = target.filesystem;
    }
    collection.update(moved); // at once: the sorted indexes are made anew after all have their names
  }

  async remove({ account, filesystem, path, recursive, conditions, leaseId }) {
    const document = this.found(account, filesystem, path);
    const entry = entryOf(document);
    if (!entry.isDirectory) {
      const options = { deleteSnapshots: "include", leaseAccessConditions: { leaseId }, modifiedAccessConditions: conditionsOf(conditions) };
      await this.plain.deleteBlob(context(), account, filesystem, path, options);
      this.forgetStaged(account, filesystem, path);
      return entry;
    }
    validateWriteConditions(context(), conditionsOf(conditions), document);
    if (!recursive && this.below(this.blobs, "name", account, filesystem, path).length > 0) {
      throw refused(409, "DirectoryNotEmpty", "The recursive query parameter value must be true to delete a non-empty directory.");
    }
    this.store.together(() => this.clear(account, filesystem, path));
    return entry;
  }

  list({ account, filesystem, directory, recursive, after, limit }) {
    this.needFilesystem(account, filesystem);
    if (directory !== "" && !isDirectory(this.found(account, filesystem, directory))) throw notFound();
    const start = directory === "" ? 0 : directory.length + 1;
    const paths = this.below(this.blobs, "name", account, filesystem, directory)
      .filter((d) => d.isCommitted && d.snapshot === "" && (recursive || !d.name.includes("/", start)))
      .filter((d) => (after ?? "") < d.name)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return { paths: paths.slice(0, limit).map(entryOf), more: paths.length > limit };
  }

  // Put Block. The Data Lake API appends only to files that are there, and that it has written itself.
  checkStaging({ accountName: account, containerName: filesystem, blobName: name, name: block }) {
    this.checkPlace(account, filesystem, name, false);
    if (positionOf(block) !== undefined && isOfBlobApi(this.found(account, filesystem, name))) {
      throw refused(409, "InvalidAppendOperation", "The resource was created or modified by the Azure Blob Service API and cannot be appended to by the Azure Data Lake Storage Service API.");
    }
  }

  checkDeleting(account, filesystem, name) {
    const document = this.at(account, filesystem, name);
    if (document && isDirectory(document) && this.below(this.blobs, "name", account, filesystem, name).length > 0) {
      throw refused(409, "DirectoryIsNotEmpty", "This operation is not permitted on a non-empty directory.");
    }
  }

  withMark(account, filesystem, name, metadata) {
    const document = this.at(account, filesystem, name);
    return document && isDirectory(document) && !saysFolder(metadata) ? { ...metadata, [FOLDER]: "true" } : metadata;
  }
}

module.exports = { Hierarchy, isDirectory, saysFolder, refused };
