// The dialog in which something is done: what it is on the command line, what it would do, then yes.

import { h, patch } from "./dom.js";
import { postStreaming } from "./live.js";
import { button } from "./shared.js";
import { t } from "./words.js";

const host = () => document.getElementById("dialogs");

export function closeDialog() {
  const open = host().querySelector("dialog");
  if (!open) return false;
  open.close();
  patch(host(), []);
  return true;
}

/** Ask whether to do an action with these values; previewed first where it can be. */
export function ask(action, values) {
  const state = { preview: "", output: "", running: false, code: null };
  const draw = () => patch(host(), h("dialog", { key: "ask", made: (node) => node.showModal(), oncancel: () => patch(host(), []), "aria-labelledby": "ask-title" },
    h("h2", { id: "ask-title" }, `${t(title(action.name))}`),
    h("p", { class: "quiet" }, t("The same on the command line")),
    h("pre", { class: "command" }, commandLine(action, values)),
    action.previews ? [h("p", { class: "quiet" }, t("What would happen")), h("pre", { class: "output", "aria-live": "polite" }, state.preview || "…")] : h("p", {}, action.words),
    state.output || state.code !== null ? h("pre", { class: "output", role: "status" }, state.output || t("done")) : null,
    state.code !== null ? h("p", { role: "status", class: state.code ? "mark bad" : "mark good" }, state.code ? `${t("failed with")} ${state.code}` : t("done")) : null,
    h("div", { class: "row end" },
      button(state.code === null ? t("Cancel") : t("Close"), closeDialog),
      state.code === null ? button(state.running ? t("running") : t("Do it"), perform, { kind: "primary", disabled: state.running ? t("running") : "" }) : null)));
  const perform = async () => {
    state.running = true;
    draw();
    await run(action, values, false, state, "output", draw);
    state.running = false;
    draw();
  };
  draw();
  if (action.previews) run(action, values, true, { output: "", code: null }, "output", () => {}, (text) => { state.preview = text; if (host().firstChild) draw(); });
}

/** Run an action and gather what it says. */
export async function run(action, values, preview, state, name, draw, hear = () => {}) {
  try {
    await postStreaming("/api/act", { action: action.name, values, preview }, (event) => {
      if (event.text !== undefined) state[name] += event.text;
      if (event.code !== undefined) state.code = event.code;
      hear(state[name]);
      draw();
    });
  } catch (error) {
    state[name] += error.message;
    state.code = state.code ?? error.status ?? 1;
    hear(state[name]);
    draw();
  }
}

function title(name) {
  return { promote: "Promote", rollback: "Roll back", release: "Release" }[name] ?? name;
}

export function commandLine(action, values) {
  const options = [], places = [];
  for (const parameter of action.parameters) {
    const given = [values[parameter.name] ?? []].flat().filter((value) => value !== "" && value !== false);
    if (parameter.flag && parameter.switch) given.length && options.push(parameter.flag);
    else if (parameter.flag) for (const value of given) options.push(`${parameter.flag} ${quoted(value)}`);
    else places.push(...given.map(quoted));
  }
  return ["kiban", action.name, ...places, ...options].join(" ");
}

function quoted(value) {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${String(value).replaceAll("'", "'\\''")}'`;
}
