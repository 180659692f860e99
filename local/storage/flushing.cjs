"use strict";
// Appended data that waits for a flush. Each append is an uncommitted block whose id says at which position it begins.

const OURS = /^lake-(\d{20})$/;

// Where the data of a block begins; undefined for blocks that the Blob API has staged.
function positionOf(id) {
  const match = OURS.exec(Buffer.from(id, "base64").toString("latin1"));
  return match ? Number(match[1]) : undefined;
}

// Which of the staged blocks ({name, size}) a flush up to `position` commits to a file of `length` bytes, in order, and
// which are left. Undefined when they do not make a file of exactly `position` bytes without a gap.
function planFlush(length, staged, position) {
  const ordered = staged
    .filter(({ name }) => positionOf(name) !== undefined)
    .sort((a, b) => positionOf(a.name) - positionOf(b.name));
  const committed = [];
  let end = length;
  for (const block of ordered) {
    if (positionOf(block.name) !== end || end >= position) break;
    committed.push(block);
    end += block.size;
  }
  return end === position ? { committed, left: ordered.filter((block) => !committed.includes(block)) } : undefined;
}

module.exports = { planFlush, positionOf };
