// Small parts that several pages use: marks, ages, buttons, charts of one line.

import { h } from "./dom.js";
import { t } from "./words.js";

// A state is told by shape, word and colour, so that none of them is needed.
const MARKS = {
  Healthy: ["good", "●"], synced: ["good", "●"], ready: ["good", "●"], pass: ["good", "●"], done: ["good", "●"],
  Progressing: ["busy", "◐"], syncing: ["busy", "◐"], starting: ["busy", "◐"], began: ["busy", "◐"],
  Degraded: ["bad", "▲"], Missing: ["bad", "▲"], degraded: ["bad", "▲"], drifted: ["bad", "▲"], failing: ["bad", "▲"], refused: ["bad", "▲"], failed: ["bad", "▲"], fail: ["bad", "▲"],
  draining: ["quiet", "▽"], Suspended: ["quiet", "◌"], waiting: ["quiet", "◌"], ended: ["quiet", "◌"], Unknown: ["quiet", "?"], unknown: ["quiet", "?"],
};

export function tone(state) {
  return (MARKS[state] ?? ["quiet", "◌"])[0];
}

export function mark(state, { word = true } = {}) {
  const [kind, shape] = MARKS[state] ?? ["quiet", "◌"];
  return h("span", { class: `mark ${kind}` }, h("span", { "aria-hidden": "true" }, shape), word ? ` ${t(state)}` : h("span", { class: "unseen" }, t(state)));
}

export function age(at) {
  if (!at) return "";
  const seconds = Math.max(0, (Date.now() - new Date(at).getTime()) / 1000);
  const steps = [[60, 1, "s"], [3600, 60, "m"], [86400, 3600, "h"], [Infinity, 86400, "d"]];
  const [, unit, letter] = steps.find(([below]) => seconds < below);
  return `${Math.floor(seconds / unit)}${letter}`;
}

export function when(at) {
  return h("time", { datetime: at, title: at ? new Date(at).toLocaleString() : "" }, age(at));
}

export function short(commit) {
  return (commit ?? "").slice(0, 8);
}

export function number(value, digits = 0) {
  return value === null || value === undefined ? "–" : value.toLocaleString(undefined, { maximumFractionDigits: digits });
}

export function gibibytes(kilobytes) {
  return `${number(kilobytes / 1048576, 1)} Gi`;
}

/** A button that says why it cannot be used instead of hiding it. */
export function button(words, act, { disabled = "", kind = "" } = {}) {
  return h("button", { type: "button", class: kind, "aria-disabled": disabled ? "true" : undefined, title: disabled || undefined, onclick: (event) => { event.stopPropagation(); if (!disabled) act(event); } }, words);
}

/** A share of a whole as a bar, told in words too. */
export function bar(share, words, kind = "asked") {
  const percent = Math.min(100, Math.max(0, share * 100));
  return h("span", { class: `bar ${kind}`, role: "img", "aria-label": words, title: words }, h("span", { style: { width: `${percent}%` } }));
}

/** A line over the readings of the last minutes. */
export function spark(values, words, kind = "") {
  const top = Math.max(...values, 1e-9);
  const width = 160, height = 36;
  const points = values.map((value, at) => `${(at / Math.max(1, values.length - 1)) * width},${height - 2 - (value / top) * (height - 6)}`).join(" ");
  return h("svg", { class: `spark ${kind}`, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words, preserveAspectRatio: "none" },
    h("polyline", { points, fill: "none", "vector-effect": "non-scaling-stroke" }));
}

export function problems(found) {
  if (!found?.length) return null;
  return h("ul", { class: "problems" }, found.slice(0, 20).map((problem) =>
    h("li", {}, h("strong", {}, problem.message ?? problem.code), problem.place ? h("code", {}, ` ${place(problem.place)}`) : null, problem.why ? h("p", {}, problem.why) : null, problem.fix ? h("p", {}, `${t("fix")}: ${problem.fix}`) : null)));
}

function place(found) {
  return typeof found === "string" ? found : [found.file, found.line, found.column].filter(Boolean).join(":") || found.thing || "";
}

export function link(to, words, props = {}) {
  return h("a", { href: to, ...props }, words);
}
