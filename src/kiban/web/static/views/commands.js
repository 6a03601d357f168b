// Every command that the command line has, with its parameters, as far as one may run it.

import { h } from "../dom.js";
import { ask, commandLine, run } from "../dialog.js";
import { button } from "../shared.js";
import { t } from "../words.js";

const state = { name: "", values: {}, output: "", code: null, running: false };

export const commandsView = {
  draw: (page) => {
    const actions = page.actions.filter((action) => action.verb !== "local");
    const chosen = actions.find((action) => action.name === (page.query.name ?? state.name));
    if (chosen && chosen.name !== state.name) Object.assign(state, { name: chosen.name, values: {}, output: "", code: null });
    return [
      h("h1", { key: "title" }, t("Commands")),
      h("div", { key: "columns", class: "columns" },
        h("ul", { class: "card commands" }, actions.map((action) => h("li", { key: action.name }, h("a", { href: `#/commands?name=${encodeURIComponent(action.name)}`, "aria-current": action === chosen ? "true" : undefined }, h("code", {}, action.name)), h("span", { class: "quiet" }, ` ${action.words}`)))),
        chosen ? form(page, chosen) : h("p", { class: "quiet grow" }, t("Choose a command"))),
      ];
  },
};

function form(page, action) {
  const go = async (event) => {
    event.preventDefault();
    if (action.verb !== "read") return ask(action, { ...state.values });
    Object.assign(state, { output: "", code: null, running: true });
    page.draw();
    await run(action, { ...state.values }, false, state, "output", page.draw);
    state.running = false;
    page.draw();
  };
  const allowed = action.allowed.length > 0;
  return h("form", { key: action.name, class: "card grow", onsubmit: go },
    h("h2", {}, action.name), h("p", {}, action.words),
    action.parameters.map((parameter) => field(page, parameter)),
    h("pre", { class: "command" }, commandLine(action, state.values)),
    h("button", { class: "primary", disabled: !allowed || state.running, title: allowed ? undefined : t("You may not do this") }, state.running ? t("running") : t("Run")),
    state.output ? h("pre", { class: "output", role: "status", tabindex: "0" }, state.output) : null,
    state.code ? h("p", { class: "mark bad" }, `${t("failed with")} ${state.code}`) : null);
}

function field(page, parameter) {
  const set = (value) => { state.values[parameter.name] = value; page.draw(); };
  const value = state.values[parameter.name] ?? "";
  const words = [parameter.flag || parameter.name.toUpperCase(), parameter.required ? h("span", { class: "quiet" }, ` ${t("required")}`) : null];
  const hint = parameter.words ? h("span", { class: "quiet" }, parameter.words) : null;
  if (parameter.switch) return h("label", { key: parameter.name, class: "field check" }, h("input", { type: "checkbox", checked: value === true, onchange: (event) => set(event.target.checked) }), words, hint);
  const choices = parameter.choices.length ? parameter.choices : ["environment", "source", "target"].includes(parameter.name) ? Object.keys(page.session.may) : [];
  if (choices.length) return h("label", { key: parameter.name, class: "field" }, words, h("select", { value, required: parameter.required, onchange: (event) => set(event.target.value) }, h("option", { value: "" }, "–"), choices.map((choice) => h("option", { key: choice, value: choice }, choice))), hint);
  return h("label", { key: parameter.name, class: "field" }, words, h("input", { value: Array.isArray(value) ? value.join(" ") : value, required: parameter.required, placeholder: parameter.default, oninput: (event) => set(parameter.repeated ? event.target.value.split(/\s+/).filter(Boolean) : event.target.value) }), hint);
}
