"use strict";
// Refreshes the page part by part, and has what people do carried out. Keys stay in memory, and out of every URL.
const SOONEST = 5000, LATEST = 160000;
const code = new URLSearchParams(location.search).get("code");
const byId = (id) => document.getElementById(id);
let admin = null, wait = SOONEST, timer = null, since = null;

const tell = (text) => { if (byId("told").textContent !== text) byId("told").textContent = text; };
const isSelecting = (part) => {
  const selection = getSelection();
  return selection && !selection.isCollapsed && part.contains(selection.anchorNode);
};

function show() {
  for (const button of document.querySelectorAll("button.act")) button.hidden = admin === null;
  byId("keys").hidden = admin !== null;
}

function replace(part, fresh) {
  const focused = part.contains(document.activeElement) ? document.activeElement.id : null;
  part.replaceWith(fresh);
  show();
  if (focused && byId(focused)) byId(focused).focus({ preventScroll: true });
}

const source = new Map();
async function refresh() {
  clearTimeout(timer);
  if (!document.hidden && !byId("ask").open) {
    try {
      const answer = await fetch(location.href, { cache: "no-store", redirect: "error" });
      if (!answer.ok) throw new Error(`the app answered ${answer.status}`);
      // Its parts alone: a whole page would bring a style that this page's policy does not know.
      const text = await answer.text();
      const page = new DOMParser().parseFromString(text.slice(text.indexOf("<main>"), text.indexOf("</main>")), "text/html");
      for (const fresh of page.querySelectorAll("main > section")) {
        const part = byId(fresh.id), html = fresh.innerHTML;
        if (!part || isSelecting(part) || source.get(fresh.id) === html) continue;
        source.set(fresh.id, html);
        replace(part, document.importNode(fresh, true));
      }
      if (since) tell("");
      since = null;
      wait = SOONEST;
    } catch (trouble) {
      since = since || new Date();
      wait = Math.min(wait * 2, LATEST);
      tell(`Not refreshed since ${since.toLocaleTimeString()}: ${trouble.message}`);
    }
  }
  timer = setTimeout(refresh, wait);
}

async function unlock(key) {
  if (!key) return;
  const answer = await fetch("operator", { headers: { "x-functions-key": key } }).catch(() => null);
  if (answer && answer.status === 204) admin = key;
  else if (key !== code) tell("That is not an admin key of this app.");
  show();
}

async function act(button, reason) {
  const headers = { "x-functions-key": admin, "Content-Type": "application/json" };
  const answer = await fetch(button.dataset.path, { method: "POST", headers, body: JSON.stringify(reason ? { reason } : {}) })
    .catch((trouble) => ({ ok: false, json: async () => ({ error: trouble.message }) }));
  const said = await answer.json().catch(() => ({}));
  tell(answer.ok ? `${button.dataset.what}: done.` : `${button.dataset.what}: ${said.error || answer.status}`);
  refresh();
}

let asked = null;
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "unlock") unlock(byId("key").value);
  if (button.classList.contains("act")) {
    asked = button;
    byId("ask-what").textContent = `${button.dataset.what}?`;
    byId("ask-why").value = "";
    byId("ask").showModal();
  }
  if (button.id === "ask-no") byId("ask").close();
  if (button.id === "ask-yes") {
    byId("ask").close();
    act(asked, byId("ask-why").value.trim());
  }
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
for (const part of document.querySelectorAll("main > section")) source.set(part.id, part.innerHTML);
show();
unlock(code);
timer = setTimeout(refresh, wait);
