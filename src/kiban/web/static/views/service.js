// One service in one environment: what it does now, whom it needs, and what happened.

import { h } from "../dom.js";
import { get } from "../live.js";
import { age, button, link, mark, number, problems, spark, tone, when } from "../shared.js";
import { graph, timeline } from "../drawings.js";
import { acts } from "./platform.js";
import { t } from "../words.js";

const open = { logs: null, text: "", object: null, explained: null, filter: "", tree: null, search: "" };
// A browser that keeps every line for ever becomes slow.
const KEPT = 200_000;

export const serviceView = {
  topic: "service",
  query: ({ name = "", env = "" }) => ({ name, env }),
  leave: () => { open.logs?.source.close(); Object.assign(open, { logs: null, text: "", object: null, explained: null, tree: null }); },
  close: () => { if (!open.object) return false; open.object = null; return true; },
  draw: (page) => {
    const { facts, rows, go } = page;
    if (facts.missing === undefined) return h("p", { class: "quiet" }, "…");
    if (facts.missing) return h("p", { class: "mark bad" }, `${t("There is no such service")}: ${facts.missing}`);
    const cell = facts.cells[facts.environment] ?? {};
    return [
      h("div", { key: "head", class: "row head" },
        h("h1", {}, facts.name), h("span", { class: "quiet" }, `${facts.kind} ${facts.team}`),
        h("div", { class: "tabs", role: "group", "aria-label": t("Platform") }, facts.environments.map((name) => h("a", { key: name, href: `#/service?name=${facts.name}&env=${name}`, "aria-current": name === facts.environment ? "true" : undefined }, name))),
        mark(cell.status || "waiting"), h("code", {}, cell.tag || ""),
        acts({ ...page, facts: { environments: page.facts.environments.map((name, at, all) => ({ name, after: all[at - 1] })) } }, { id: facts.name, cells: facts.cells }, facts.environment)),
      cell.why && cell.status !== "Healthy" ? h("p", { key: "why", class: `banner ${tone(cell.status)}` }, cell.why) : null,
      h("div", { key: "grid", class: "grid" },
        panel("pods", t("Pods"), pods(rows, facts)),
        panel("graph", t("Uses and used by"), graph(facts.graph, facts.name, (name) => go("service", { name, env: facts.environment }))),
        panel("load", t("Load"), load(facts.loads)),
        panel("timeline", t("Timeline"), timeline(facts.moments), "wide"),
        panel("logs", t("Logs"), logs(rows, facts, page.draw), "wide"),
        panel("events", t("Events"), events(facts.events)),
        panel("objects", t("Objects"), objects(facts, page.draw)),
        panel("config", t("Config"), config(facts, page.draw))),
      open.object ? viewer(page.draw) : null,
    ];
  },
};

function panel(key, title, content, kind = "") {
  return h("section", { key, class: `card ${kind}`, "aria-label": title }, h("h2", {}, title), content);
}

function pods(rows, facts) {
  if (!rows.length) return h("p", { class: "quiet" }, t("No pods"));
  const zones = Map.groupBy ? Map.groupBy(rows, (row) => row.zone) : grouped(rows);
  return [...zones].map(([zone, found]) => h("div", { key: zone, class: "zone" }, h("h3", {}, zone || t("waiting")),
    h("ul", { class: "tiles" }, found.map((pod) => h("li", { key: pod.id, class: `tile ${pod.life}`, "data-pod": pod.id, "data-life": pod.life, title: `${pod.id}\n${pod.node}\n${pod.ip}\n${pod.why}` },
      h("a", { href: `#/service?name=${facts.name}&env=${facts.environment}&pod=${pod.id}` }, pod.id.replace(`${facts.name}-`, "")),
      h("span", {}, mark(pod.life), ` ${pod.tag}`),
      h("span", { class: "quiet" }, `${pod.node} ${age(pod.since)}${pod.restarts ? ` · ${pod.restarts} ${t("restarts")}` : ""}`),
      pod.why ? h("span", { class: "why" }, pod.why) : null)))));
}

function grouped(rows) {
  const found = new Map();
  for (const row of rows) found.set(row.zone, [...(found.get(row.zone) ?? []), row]);
  return found;
}

function load(loads) {
  if (!loads.length) return h("p", { class: "quiet" }, t("No load was measured"));
  const last = loads.at(-1);
  const line = (name, words, unit, kind) => h("div", { key: name, class: "figure" }, h("strong", {}, `${number(last[name], 1)}${unit}`), h("span", { class: "quiet" }, words), spark(loads.map((each) => each[name]), `${words} ${number(last[name], 1)}${unit}`, kind));
  return h("div", { class: "figures-row" }, line("rate", t("requests"), "/s", ""), line("errors", t("errors"), "/s", "bad"), line("p50", "p50", " ms", ""), line("p99", "p99", " ms", ""));
}

function events(found) {
  if (!found.length) return h("p", { class: "quiet" }, t("No events"));
  return h("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": t("Events") }, h("table", {}, h("tbody", {}, found.map((event, at) => h("tr", { key: `${event.at}${event.object}${event.reason}${at}`, class: event.warning ? "bad" : "" },
    h("td", {}, when(event.at)), h("td", {}, event.reason), h("td", {}, event.object), h("td", {}, `${event.message}${event.count > 1 ? ` ×${event.count}` : ""}`))))));
}

function logs(rows, facts, draw) {
  const choose = (event) => follow(event.target.value, facts.environment, draw);
  return [
    h("div", { class: "row tools" },
      h("label", { class: "row" }, t("Pods"), h("select", { onchange: choose, value: open.logs?.pod ?? "" }, h("option", { value: "" }, "–"), rows.map((pod) => h("option", { key: pod.id, value: pod.id }, pod.id)))),
      h("label", { class: "row" }, h("span", { class: "unseen" }, t("Filter")), h("input", { type: "search", placeholder: t("Filter"), value: open.filter, oninput: (event) => { open.filter = event.target.value; draw(); } }))),
    h("pre", { class: "log", tabindex: "0", role: "log", "aria-label": t("Logs") }, lines()),
  ];
}

function lines() {
  if (!open.filter) return open.text.slice(-KEPT);
  return open.text.split("\n").filter((line) => line.includes(open.filter)).join("\n");
}

function follow(pod, env, draw) {
  open.logs?.source.close();
  open.text = "";
  open.logs = null;
  if (pod) {
    const source = new EventSource(`/api/logs?${new URLSearchParams({ env, pod })}`);
    source.addEventListener("text", (event) => {
      open.text = (open.text + JSON.parse(event.data)).slice(-KEPT);
      draw();
      requestAnimationFrame(() => requestAnimationFrame(() => { const log = document.querySelector(".log"); if (log) log.scrollTop = log.scrollHeight; }));
    });
    source.addEventListener("end", () => source.close());
    open.logs = { pod, source };
  }
  draw();
}

function objects(facts, draw) {
  if (!facts.objects.length) return h("p", { class: "quiet" }, t("Nothing yet"));
  const grow = async () => { open.tree = open.tree ? null : await get("/api/tree", { env: facts.environment, name: facts.name }).catch(() => []); draw(); };
  const found = (open.tree ?? facts.objects).filter((each) => each.object.toLowerCase().includes(open.search.toLowerCase()));
  return [
    h("div", { class: "row tools" },
      h("label", { class: "row" }, h("span", { class: "unseen" }, t("Search")), h("input", { type: "search", placeholder: t("Search"), value: open.search, oninput: (event) => { open.search = event.target.value; draw(); } })),
      button(open.tree ? t("Only what was delivered") : t("The whole tree"), grow, { kind: "small" })),
    tree(found, facts, draw),
  ];
}

function tree(found, facts, draw) {
  return h("ul", { class: "tree tall" }, found.map((each) => h("li", { key: each.object, style: { "padding-left": `${(each.depth ?? 0) * 1.2}rem` } }, mark(each.status, { word: false }), " ",
    h("button", { type: "button", class: "plain", onclick: async () => { open.object = { key: each.object, text: "…" }; draw(); open.object = await get("/api/object", { env: facts.environment, key: each.object }).catch((error) => ({ key: each.object, text: error.message })); draw(); } }, each.object),
    each.why ? h("span", { class: "why" }, each.why) : null)));
}

function viewer(draw) {
  return h("section", { key: "viewer", class: "card viewer", role: "dialog", "aria-label": open.object.key },
    h("div", { class: "row" }, h("h2", {}, open.object.key), button(t("Close"), () => { open.object = null; draw(); })),
    open.object.changes?.length ? h("pre", { class: "output" }, open.object.changes.join("\n")) : null,
    h("pre", { class: "output", tabindex: "0" }, open.object.text ?? ""));
}

function config(facts, draw) {
  const explain = async (event) => {
    event.preventDefault();
    const path = event.target.elements.path.value.trim();
    open.explained = await get("/api/explain", { service: facts.name, env: facts.environment, path }).catch((error) => ({ text: error.message }));
    draw();
  };
  return [
    h("form", { class: "row tools", onsubmit: explain }, h("label", { class: "row" }, "explain", h("input", { name: "path", placeholder: "scale.max" })), h("button", {}, t("Show"))),
    open.explained ? h("pre", { class: "output", tabindex: "0" }, open.explained.text) : null,
    problems(facts.problems),
  ];
}
