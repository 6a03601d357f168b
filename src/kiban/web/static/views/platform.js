// The first page: can I use it, what changed, what do I do now.

import { h } from "../dom.js";
import { ask } from "../dialog.js";
import { button, link, mark, number, problems, short, tone, when } from "../shared.js";
import { t } from "../words.js";

let typing = 0;

export const platformView = {
  topic: "platform",
  query: ({ q = "", page = "", sort = "" }) => ({ q, page, sort }),
  draw: (page) => {
    const { facts } = page;
    if (!facts.environments) return h("p", { class: "quiet" }, "…");
    return [
      h("section", { key: "environments", class: "cards", "aria-label": t("Platform") }, facts.environments.map((environment) => card(page, environment))),
      h("div", { key: "columns", class: "columns" },
        h("section", { key: "matrix", class: "grow" }, tools(page), matrix(page), pager(page)),
        h("aside", { key: "latest", class: "card" }, h("h2", {}, t("What changed")), latest(facts.latest))),
    ];
  },
};

function card(page, environment) {
  const clusters = environment.clusters;
  return h("article", { key: environment.name, class: `card state ${tone(worst(clusters))}`, "data-environment": environment.name },
    h("h2", {}, environment.name, environment.after ? h("span", { class: "quiet" }, ` ← ${environment.after}`) : null),
    clusters.length ? clusters.map((each) => onCluster(each, clusters.length > 1)) : h("p", { class: "quiet" }, t("not deployed here")),
    environment.arriving.length ? arriving(page, environment) : null,
    environment.addresses.length ? h("p", { class: "addresses" }, environment.addresses.slice(0, 4).map((address) => h("a", { key: address, href: address, target: "_blank", rel: "noreferrer" }, address))) : null);
}

/** What waits to come here, and the way to let it. */
function arriving(page, environment) {
  const promote = page.action("promote");
  const values = { source: environment.after, target: environment.name, services: [] };
  return h("p", { class: "row" }, h("span", { title: environment.arriving.join(", ") }, `${environment.arriving.length} ${t("releases wait in")} ${environment.after}`),
    promote ? button(t("Promote"), () => ask(promote, values), { kind: "small", disabled: page.may("release", environment.name) ? "" : t("You may not do this") }) : null);
}

function onCluster(status, named) {
  return h("div", { key: status.subject },
    h("p", {}, mark(status.phase), " ", h("span", {}, `${status.well}/${status.services} ${t("services")}`), named ? h("span", { class: "quiet" }, ` ${status.subject.split("@")[1]}`) : null),
    status.commit ? h("p", { class: "commit" }, h("code", {}, short(status.commit.id)), " ", status.commit.words, h("span", { class: "quiet" }, ` ${status.commit.author} `, when(status.commit.at))) : null,
    status.message ? h("p", { class: "quiet" }, status.message) : null,
    problems(status.problems));
}

function worst(clusters) {
  const order = ["refused", "failing", "degraded", "drifted", "syncing", "waiting", "synced"];
  return order.find((phase) => clusters.some((each) => each.phase === phase)) ?? "waiting";
}

function tools({ query, go, facts }) {
  const type = (event) => {
    const q = event.target.value;
    clearTimeout(typing);
    typing = setTimeout(() => go("platform", { ...query, q, page: "" }), 20);
  };
  return h("div", { class: "row tools" },
    h("label", { class: "row" }, h("span", { class: "unseen" }, t("Filter")), h("input", { type: "search", placeholder: `${t("Filter")}  /`, value: query.q ?? "", oninput: type })),
    h("span", { class: "quiet", role: "status" }, `${facts.found}/${facts.services} ${t("services")}`),
    facts.unwell ? h("span", { class: "mark bad" }, `▲ ${facts.unwell} ${t("unwell")}`) : h("span", { class: "mark good" }, `● ${t("all well")}`),
    button(query.sort === "name" ? t("Worst first") : t("By name"), () => go("platform", { ...query, sort: query.sort === "name" ? "" : "name" }), { kind: "plain" }));
}

function matrix(page) {
  const names = page.facts.environments.map((environment) => environment.name);
  return h("div", { class: "scroll" }, h("table", { class: "matrix" },
    h("caption", { class: "unseen" }, t("Services")),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("Service")), names.map((name) => h("th", { key: name, scope: "col" }, name)))),
    h("tbody", {}, page.rows.map((row) => h("tr", { key: row.id, "data-service": row.id },
      h("th", { scope: "row" }, link(`#/service?name=${row.id}`, row.id), h("span", { class: "quiet" }, ` ${row.team || row.kind}`)),
      names.map((name) => cell(page, row, name)))))));
}

function cell(page, row, environment) {
  const found = row.cells[environment];
  if (!found) return h("td", { key: environment, class: "none" }, "–");
  if (found.status === undefined) return h("td", { key: environment, class: "none quiet", title: t("not deployed here") }, found.tag || "–");
  return h("td", { key: environment, class: `cell ${tone(found.status)}`, "data-environment": environment },
    h("a", { href: `#/service?name=${row.id}&env=${environment}`, class: "tag" }, found.tag || t("Open")),
    h("span", { class: "figures" }, mark(found.status || "waiting", { word: found.status !== "Healthy" }), found.pods ? ` ${found.ready}/${found.pods}` : "", found.rate ? ` ${number(found.rate, 1)}/s` : "", found.errors ? h("span", { class: "mark bad" }, ` ${number(found.errors, 1)} ${t("errors")}`) : null),
    found.why && found.status !== "Healthy" ? h("span", { class: "why" }, found.why) : null,
    h("span", { class: "acts" }, acts(page, row, environment)));
}

/** What one can do from a cell; greyed with the reason where one may not. */
export function acts(page, row, environment) {
  const next = page.facts.environments?.find?.((each) => each.after === environment)?.name;
  const may = (where) => (page.may("release", where) ? "" : t("You may not do this"));
  const found = [];
  if (next && row.cells[next] && page.action("promote")) found.push(button(`${t("Promote")} → ${next}`, () => ask(page.action("promote"), { source: environment, target: next, services: [row.id] }), { kind: "small", disabled: may(next) }));
  if (row.cells[environment]?.tag && page.action("rollback")) found.push(button(t("Roll back"), () => ask(page.action("rollback"), { service: row.id, environment }), { kind: "small", disabled: may(environment) }));
  return found;
}

function pager({ facts, query, go }) {
  if (facts.pages < 2) return null;
  const to = (page) => () => go("platform", { ...query, page: String(page) });
  return h("div", { class: "row pager" },
    button(t("Previous"), to(facts.page - 1), { disabled: facts.page ? "" : t("Previous") }),
    h("span", {}, `${t("Page")} ${facts.page + 1} ${t("of")} ${facts.pages}`),
    button(t("Next"), to(facts.page + 1), { disabled: facts.page + 1 < facts.pages ? "" : t("Next") }));
}

function latest(found) {
  if (!found.length) return h("p", { class: "quiet" }, t("Nothing yet"));
  return h("ol", { class: "latest" }, found.map((act) => h("li", { key: act.sequence },
    h("a", { href: `#/record?q=${encodeURIComponent(act.plan || act.subject)}` }, act.what), " ", act.result ? mark(act.result) : null,
    h("p", { class: "quiet" }, `${act.subject} ${act.who.split(" <")[0]} `, when(act.at)),
    act.why ? h("p", { class: "why" }, act.why) : null)));
}
