// The machines: where they are, what is asked of them and used, what they cost.

import { h } from "../dom.js";
import { bar, gibibytes, mark, number } from "../shared.js";
import { t } from "../words.js";

let typing = 0;

export const nodesView = {
  topic: "nodes",
  query: ({ q = "" }) => ({ q }),
  draw: ({ facts, rows, query, go }) => {
    if (facts.nodes === undefined) return h("p", { class: "quiet" }, "…");
    const type = (event) => { const q = event.target.value; clearTimeout(typing); typing = setTimeout(() => go("nodes", { q }), 20); };
    return [
      h("div", { key: "tools", class: "row tools" },
        h("h1", {}, t("Nodes")),
        h("label", { class: "row" }, h("span", { class: "unseen" }, t("Filter")), h("input", { type: "search", placeholder: `${t("Filter")}  /`, value: query.q ?? "", oninput: type })),
        h("span", { class: "quiet", role: "status" }, `${facts.found}/${facts.nodes}`),
        facts.price === null ? null : h("strong", {}, `$${number(facts.price, 3)} ${t("an hour")}`),
        facts.unpriced ? h("span", { class: "quiet" }, `${facts.unpriced} ${t("unpriced")}`) : null),
      ...facts.zones.map((zone) => h("section", { key: zone, class: "card", "aria-label": zone }, h("h2", {}, zone || t("Unknown")), subnet(facts.subnets[zone]), h("ul", { class: "machines" }, rows.filter((row) => row.zone === zone).map(machine)))),
    ];
  },
};

function subnet(found) {
  if (!found) return null;
  const words = `${found.cidr}: ${number(found.used)} ${t("of")} ${number(found.size)} ${t("addresses")}`;
  return h("div", { class: "measure" }, h("span", { class: "quiet" }, words), bar(found.used / found.size, words));
}

function machine(row) {
  return h("li", { key: row.id, class: `machine ${row.spot ? "spot" : ""}`, "data-node": row.id },
    h("div", { class: "row" }, mark(row.status), h("strong", {}, row.id), row.cordoned ? h("span", { class: "mark busy" }, t("cordoned")) : null),
    h("p", { class: "quiet" }, `${row.instance} ${row.spot ? t("spot") : ""} ${row.price === null ? "" : `$${number(row.price, 3)}/h`}`),
    row.why ? h("p", { class: "why" }, row.why) : null,
    measure(t("CPU"), row.askedCpu, row.usedCpu, row.cpu, (value) => `${number(value / 1000, 2)}`),
    measure(t("Memory"), row.askedMemory, row.usedMemory === null ? null : row.usedMemory, row.memory, (value) => gibibytes(value / 1024)),
    h("p", { class: "dots" }, row.pods.map((pod) => h("span", { key: pod.name, class: `dot ${pod.life}`, title: `${pod.name} ${t(pod.life)}`, "aria-hidden": "true" })), h("span", { class: "quiet" }, ` ${row.pods.length}/${row.room} ${t("Pods")}`)));
}

function measure(words, asked, used, whole, say) {
  if (!whole) return null;
  const text = `${words}: ${t("asked")} ${say(asked)}${used === null ? "" : `, ${t("used")} ${say(used)}`} / ${say(whole)}`;
  return h("div", { class: "measure" }, h("span", { class: "quiet" }, text), bar(asked / whole, text), used === null ? null : bar(used / whole, text, "used"));
}
