// The reports of rehearsals, one or two side by side.

import { h } from "../dom.js";
import { get } from "../live.js";
import { button, mark, when } from "../shared.js";
import { t } from "../words.js";

let reports = null;
const shown = [];

export const rehearsalView = {
  enter: async ({ draw }) => { reports = await get("/api/reports").catch(() => []); draw(); },
  draw: ({ draw }) => {
    if (!reports) return h("p", { class: "quiet" }, "…");
    if (!reports.length) return h("p", {}, t("No report yet. Make one:"), " ", h("code", {}, "kiban rehearse day"));
    const toggle = (id) => () => { const at = shown.indexOf(id); if (at < 0) { shown.push(id); if (shown.length > 2) shown.shift(); } else shown.splice(at, 1); draw(); };
    return [
      h("h1", { key: "title" }, t("Rehearsal")),
      h("ul", { key: "list", class: "reports" }, reports.map((report) => h("li", { key: report.id }, button(report.id, toggle(report.id), { kind: shown.includes(report.id) ? "primary" : "" }), " ", mark(report.answer), " ", h("span", {}, report.words), " ", when(report.at)))),
      h("div", { key: "frames", class: "frames" }, shown.map((id) => h("iframe", { key: id, src: `/reports/${encodeURIComponent(id)}`, title: id, sandbox: "allow-scripts" }))),
    ];
  },
};
