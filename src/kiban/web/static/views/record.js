// The record: every act, filterable and linkable, and the figures of delivery.

import { h } from "../dom.js";
import { get } from "../live.js";
import { button, link, mark, number, short, when } from "../shared.js";
import { t } from "../words.js";

const state = { acts: [], figures: [], more: false, next: null, q: null };
let typing = 0;

async function load(q, before, draw) {
  const found = await get("/api/record", { q, ...(before ? { before } : {}) });
  Object.assign(state, { ...found, acts: before ? [...state.acts, ...found.acts] : found.acts, q });
  draw();
}

export const recordView = {
  enter: ({ query, draw }) => load(query.q ?? "", null, draw),
  draw: ({ query, go, draw }) => {
    const type = (event) => { const q = event.target.value; clearTimeout(typing); typing = setTimeout(() => go("record", { q }), 150); };
    return [
      h("section", { key: "figures", class: "cards" }, state.figures.filter((each) => each.deployments).map(figures)),
      h("div", { key: "tools", class: "row tools" }, h("h1", {}, t("Record")), h("label", { class: "row" }, h("span", { class: "unseen" }, t("Filter")), h("input", { type: "search", placeholder: `${t("Filter")}  /`, value: query.q ?? "", oninput: type }))),
      h("div", { key: "table", class: "scroll" }, h("table", { class: "record" },
        h("thead", {}, h("tr", {}, ["When", "Who", "What", "Result", "Why"].map((word) => h("th", { key: word, scope: "col" }, t(word))))),
        h("tbody", {}, state.acts.map((act) => h("tr", { key: act.sequence, id: `act-${act.sequence}` },
          h("td", {}, link(`#/record?q=${encodeURIComponent(act.plan || act.subject)}`, when(act.at))), h("td", {}, act.who.split(" <")[0]),
          h("td", {}, act.what, h("div", { class: "quiet" }, act.subject, " ", act.commit ? h("code", {}, short(act.commit)) : null)),
          h("td", {}, act.result ? mark(act.result) : ""), h("td", {}, act.why)))))),
      state.more ? button(t("More"), () => load(query.q ?? "", state.next, draw)) : null,
    ];
  },
};

function figures(each) {
  const span = (seconds) => (seconds === null ? "–" : seconds < 120 ? `${number(seconds)} ${t("seconds")}` : seconds < 7200 ? `${number(seconds / 60, 1)} ${t("minutes")}` : `${number(seconds / 3600, 1)} ${t("hours")}`);
  const line = (words, value) => h("div", {}, h("dt", {}, t(words)), h("dd", {}, value));
  return h("article", { key: each.subject, class: "card" }, h("h2", {}, each.subject || t("All environments")),
    h("dl", { class: "dl" }, line("Deployments", number(each.deployments)), line("Lead time", span(each.leadTimeMedianSeconds)), line("Failure rate", each.changeFailureRate === null ? "–" : `${number(each.changeFailureRate * 100)} %`), line("Time to restore", span(each.restoreMedianSeconds))));
}
