// The frame of the page: who is there, where to go, keys, and the view of the address.

import { h, patch } from "./dom.js";
import { follow, get, post, session } from "./live.js";
import { closeDialog } from "./dialog.js";
import { button } from "./shared.js";
import { currentLanguage, speak, t } from "./words.js";
import { platformView } from "./views/platform.js";

const VIEWS = {
  platform: async () => platformView,
  service: async () => (await import("./views/service.js")).serviceView,
  map: async () => (await import("./views/map.js")).mapView,
  nodes: async () => (await import("./views/nodes.js")).nodesView,
  rehearsal: async () => (await import("./views/rehearsal.js")).rehearsalView,
  record: async () => (await import("./views/record.js")).recordView,
  commands: async () => (await import("./views/commands.js")).commandsView,
};
const TABS = [["platform", "Platform"], ["map", "Map"], ["nodes", "Nodes"], ["rehearsal", "Rehearsal"], ["record", "Record"], ["commands", "Commands"]];
const KEYS = { p: "platform", m: "map", n: "nodes", h: "rehearsal", r: "record", c: "commands" };

const page = { view: null, name: "", query: {}, picture: { facts: {}, rows: [] }, stream: null, connected: true, actions: [], help: false, made: 0 };

/** Where the address points: `#/service?name=shop&env=dev`. */
function where() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { name: path || "platform", query: Object.fromEntries(new URLSearchParams(query ?? "")) };
}

export function go(name, query = {}) {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  location.hash = `#/${name}${text ? `?${text}` : ""}`;
}

async function show() {
  const { name, query } = where();
  const load = VIEWS[name] ?? VIEWS.platform;
  const made = ++page.made;
  page.stream?.close();
  page.view?.leave?.();
  const sameView = page.name === name;
  page.stream = null;
  const view = await load();
  if (made !== page.made) return;
  Object.assign(page, { view, name, query, picture: sameView ? page.picture : { facts: {}, rows: [] } });
  view.enter?.(context());
  if (view.topic) page.stream = follow(view.topic, view.query?.(query) ?? query, (picture) => { page.picture = picture; draw(); }, connection);
  if (!sameView) document.getElementById("main")?.focus({ preventScroll: true });
  draw();
}

function connection(connected, refused) {
  page.connected = connected;
  draw();
  if (refused) setTimeout(again, 1000);
}

/** The server has refused a stream: it was started anew, or the session has ended. */
async function again() {
  try {
    const found = await get("/api/session");
    Object.assign(session, found);
    page.connected = true;
    if (found.person) await show();
    else draw();
  } catch {
    setTimeout(again, 1000);
  }
}

function context() {
  return { ...page.picture, query: page.query, actions: page.actions, session, go, draw, may: (verb, environment) => (session.may[environment] ?? []).includes(verb), action: (name) => page.actions.find((each) => each.name === name) };
}

let drawn = 0;
/** Draw soon, once however often it is asked. */
export function draw() {
  if (!drawn) drawn = requestAnimationFrame(() => { drawn = 0; drawNow(); });
}

function drawNow() {
  const root = document.getElementById("app");
  if (!session.person) return patch(root, login());
  document.title = `${page.query.name ?? t(TABS.find(([name]) => name === page.name)?.[1] ?? "")} · ${session.platform || "Kiban"}`;
  patch(root, [
    h("header", { key: "top" },
      h("a", { class: "brand", href: "#/platform" }, h("img", { src: "/static/icon.svg", alt: "", width: "22", height: "22" }), session.platform || "Kiban"),
      h("nav", { "aria-label": "Kiban" }, TABS.map(([name, words]) => h("a", { key: name, href: `#/${name}`, "aria-current": page.name === name ? "page" : undefined }, t(words)))),
      h("div", { class: "row" },
        page.connected ? null : h("span", { class: "mark bad", role: "status" }, t("not connected, trying again")),
        button(currentLanguage() === "ja" ? "English" : "日本語", () => { speak(currentLanguage() === "ja" ? "en" : "ja"); draw(); }, { kind: "plain" }),
        button("◑", theme, { kind: "plain named-theme" }),
        button("?", () => { page.help = !page.help; draw(); }, { kind: "plain" }),
        h("span", { class: "quiet person" }, session.person),
        button(t("Log out"), leave, { kind: "plain" }))),
    page.help ? h("section", { key: "help", class: "card keys" }, h("h2", {}, t("Keys")), h("dl", {}, [["/", "Search or filter"], ["p", "Platform"], ["m", "Map"], ["n", "Nodes"], ["h", "Rehearsal"], ["r", "Record"], ["c", "Commands"], ["t", "Light or dark"], ["Esc", "Close what is open"]].map(([key, words]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, t(words)))))) : null,
    h("main", { key: "main", id: "main", tabindex: "-1" }, page.view ? page.view.draw(context()) : null),
    h("footer", { key: "end", class: "quiet" }, t("The page asks nothing outside of this server.")),
  ]);
}

function login(words = "") {
  const enter = async (event) => {
    event.preventDefault();
    await begin(event.target.elements.token.value.trim());
  };
  return h("main", { key: "login", id: "main", class: "login" },
    h("form", { class: "card", onsubmit: enter },
      h("h1", {}, "Kiban"),
      h("p", {}, t("Paste the token, or open the link that `kiban up` prints.")),
      h("label", {}, t("Token"), h("input", { name: "token", type: "password", autocomplete: "current-password", required: true })),
      h("p", { class: "mark bad", role: "alert" }, login.words ?? ""),
      session.oidc ? h("a", { class: "button", href: "/api/oidc/begin" }, t("Log in")) : null,
      h("button", { class: "primary" }, t("Log in"))));
}

async function begin(token) {
  try {
    Object.assign(session, await post("/api/login", { token }));
    login.words = "";
    await start();
  } catch (error) {
    login.words = error.message;
    draw();
  }
}

async function leave() {
  await post("/api/logout", {});
  location.reload();
}

function theme() {
  const dark = document.documentElement.dataset.theme === "dark" || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", document.documentElement.dataset.theme);
}

async function start() {
  draw();
  await show();
  page.actions = await get("/api/actions");
  draw();
}

addEventListener("hashchange", show);
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && (closeDialog() || page.view?.close?.())) return;
  if (event.target.matches?.("input, textarea, select") || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    document.querySelector("input[type=search]")?.focus();
  } else if (event.key === "t") theme();
  else if (event.key === "?") { page.help = !page.help; draw(); }
  else if (KEYS[event.key] && session.person) go(KEYS[event.key]);
});
setInterval(() => session.person && draw(), 10_000);

document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "";
if (!document.documentElement.dataset.theme) delete document.documentElement.dataset.theme;
const given = location.hash.match(/^#token=(.+)$/);
if (given) history.replaceState(null, "", "/");
Object.assign(session, await get("/api/session"));
if (session.person) await start();
else if (given) await begin(given[1]);
else draw();
