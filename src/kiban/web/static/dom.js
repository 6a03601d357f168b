// Draws a page from plain values: `h` says what shall be there, `patch` makes it so with the fewest
// changes, so that focus, selection and scroll positions stay where they are.

const SVG = "http://www.w3.org/2000/svg";

/** What shall be there: a tag with its properties (`key` tells rows apart) and children. */
export function h(tag, props, ...children) {
  return { tag, props: props ?? {}, children: flat(children) };
}

function flat(children) {
  const found = [];
  for (const child of children) {
    if (Array.isArray(child)) found.push(...flat(child));
    else if (child !== null && child !== undefined && child !== false && child !== true)
      found.push(typeof child === "object" ? child : String(child));
  }
  return found;
}

/** Make the children of an element what they shall be. */
export function patch(parent, wanted) {
  wanted = flat([wanted]);
  const keyed = new Map();
  for (const node of parent.childNodes) if (node.shown?.props?.key !== undefined) keyed.set(node.shown.props.key, node);
  let at = parent.firstChild;
  for (const want of wanted) {
    const key = want.props?.key;
    let node = key === undefined ? at : keyed.get(key);
    if (node && !fits(node, want)) node = null;
    if (!node) node = create(want, parent);
    else update(node, want);
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function fits(node, want) {
  if (typeof want === "string") return node.nodeType === Node.TEXT_NODE;
  return node.shown && node.shown.tag === want.tag && node.shown.props.key === want.props.key;
}

function create(want, parent) {
  if (typeof want === "string") return document.createTextNode(want);
  const drawn = want.tag === "svg" || (parent.namespaceURI === SVG && parent.tagName !== "foreignObject");
  const node = drawn ? document.createElementNS(SVG, want.tag) : document.createElement(want.tag);
  node.shown = { tag: want.tag, props: {} };
  update(node, want);
  // Only what stands in the page can be opened as a dialog.
  if (want.props.made) queueMicrotask(() => want.props.made(node));
  return node;
}

function update(node, want) {
  if (typeof want === "string") {
    if (node.data !== want) node.data = want;
    return;
  }
  const before = node.shown.props;
  for (const name in before) if (!(name in want.props)) put(node, name, undefined);
  for (const name in want.props) if (before[name] !== want.props[name]) put(node, name, want.props[name]);
  node.shown = want;
  if (!want.props.own) patch(node, want.children);
}

function put(node, name, value) {
  if (name === "key" || name === "made" || name === "own") return;
  if (name.startsWith("on")) node[name] = value ?? null;
  else if (name === "style") for (const part in value ?? {}) node.style.setProperty(part, value[part]);
  else if (name === "value" || name === "checked" || name === "open") {
    if (node[name] !== value) node[name] = value ?? "";
  } else if (value === undefined || value === null || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : value);
}
