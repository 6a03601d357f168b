// The two drawings: who uses whom, and what happened when.

import { h } from "./dom.js";
import { number, tone } from "./shared.js";
import { t } from "./words.js";

const BOX = { width: 148, height: 46, across: 196, down: 62 };
const LANES = ["sync", "gate", "rollout", "scale", "restart", "fault"];

export function graph(found, center, choose) {
  if (!found.nodes.length) return h("p", { class: "quiet" }, t("Nothing yet"));
  const at = Object.fromEntries(found.nodes.map((node) => [node.id, { x: 8 + node.column * BOX.across, y: 8 + node.row * BOX.down }]));
  const width = Math.max(...found.nodes.map((node) => at[node.id].x)) + BOX.width + 8;
  const height = Math.max(...found.nodes.map((node) => at[node.id].y)) + BOX.height + 8;
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("Uses and used by") },
    h("svg", { class: "graph", viewBox: `0 0 ${width} ${height}`, width, height, role: "group" },
      found.edges.map(([from, to]) => edge(at[from], at[to], `${from} ${to}`, found.nodes.find((node) => node.id === to))),
      found.nodes.map((node) => box(node, at[node.id], node.id === center, choose))));
}

function edge(from, to, key, used) {
  const x1 = from.x + BOX.width, y1 = from.y + BOX.height / 2, x2 = to.x, y2 = to.y + BOX.height / 2;
  const middle = Math.max(18, (x2 - x1) / 2);
  const weight = used?.rate ? Math.min(5, 1 + Math.log10(1 + used.rate)) : 1;
  return h("path", { key, class: `edge ${used?.errors ? "bad" : ""}`, d: `M${x1},${y1} C${x1 + middle},${y1} ${x2 - middle},${y2} ${x2},${y2}`, "stroke-width": weight });
}

function box(node, { x, y }, center, choose) {
  const figures = node.rate === null ? "" : `${number(node.rate, 1)}/s ${node.errors ? `▲${number(node.errors, 1)} ` : ""}${node.p99 ? `${node.p99} ms` : ""}`;
  const words = `${node.id} ${node.status} ${figures}`;
  const act = () => !node.resource && choose(node.id);
  return h("g", { key: node.id, class: `box ${node.resource ? "resource" : tone(node.status)} ${center ? "center" : ""}`, transform: `translate(${x},${y})`, tabindex: node.resource ? undefined : "0", role: node.resource ? "img" : "link", "aria-label": words, onclick: act, onkeydown: (event) => event.key === "Enter" && act(), "data-node": node.id },
    h("rect", { width: BOX.width, height: BOX.height, rx: 8 }),
    h("text", { x: 12, y: 19 }, node.id.length > 17 ? `${node.id.slice(0, 16)}…` : node.id),
    h("text", { x: 12, y: 36, class: "small" }, figures || (node.resource ? t("Type") : `${node.ready} ${t("ready")}`)));
}

export function timeline(moments) {
  if (!moments.length) return h("p", { class: "quiet" }, t("Nothing yet"));
  const times = moments.map((each) => new Date(each.at).getTime());
  const first = Math.min(...times), last = Math.max(Date.now(), ...times), span = Math.max(1000, last - first);
  const width = 1000, height = LANES.length * 22 + 24;
  const x = (time) => 90 + ((time - first) / span) * (width - 110);
  return [
    h("div", { class: "scroll" }, h("svg", { class: "timeline", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": t("Timeline") },
      LANES.map((lane, at) => h("g", { key: lane }, h("text", { x: 4, y: at * 22 + 18, class: "small" }, t(lane)), h("line", { x1: 90, x2: width - 20, y1: at * 22 + 14, y2: at * 22 + 14, class: "lane" }))),
      moments.map((each, at) => h("circle", { key: `${each.at}${each.words}${at}`, cx: x(times[at]), cy: LANES.indexOf(each.lane) * 22 + 14, r: 5, class: each.bad ? "bad" : each.lane }, h("title", {}, `${new Date(each.at).toLocaleTimeString()} ${each.words}`))),
      [0, 0.25, 0.5, 0.75, 1].map((share) => h("text", { key: share, x: x(first + share * span), y: height - 4, class: "small", "text-anchor": share === 1 ? "end" : "middle" }, new Date(first + share * span).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" }))))),
    h("ol", { class: "latest moments" }, moments.slice(-8).reverse().map((each, at) => h("li", { key: `${each.at}${at}`, class: each.bad ? "bad" : "" }, h("time", { datetime: each.at }, new Date(each.at).toLocaleTimeString()), ` ${each.words} ${each.who ?? ""}`))),
  ];
}
