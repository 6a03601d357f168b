// All services on one map, with what flows through them now.

import { h } from "../dom.js";
import { graph } from "../drawings.js";
import { t } from "../words.js";

export const mapView = {
  topic: "graph",
  draw: ({ facts, go }) => (facts.graph ? h("section", { class: "card" }, h("h2", {}, t("Everything on one map")), graph(facts.graph, "", (name) => go("service", { name }))) : h("p", { class: "quiet" }, "…")),
};
