// The session, and streams of pictures: whole at first, then only what changes.

export const session = { person: null, csrf: "", platform: "", may: {} };

export class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

async function answer(response) {
  const data = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, data.error ?? response.statusText);
  return data;
}

export async function get(path, query = {}) {
  return answer(await fetch(`${path}?${new URLSearchParams(query)}`));
}

export async function post(path, body) {
  return answer(await sent(path, body));
}

function sent(path, body) {
  const headers = { "Content-Type": "application/json", "X-Kiban-Csrf": session.csrf };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Post, and hear every event of the answer. */
export async function postStreaming(path, body, hear) {
  const response = await sent(path, body);
  if (!response.ok) await answer(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const data = part.split("\n").find((line) => line.startsWith("data: "));
      if (data) hear(JSON.parse(data.slice(6)));
    }
  }
}

/** Follow a picture until `close` is called. `draw` gets `{facts, rows}` whenever it changes. */
export function follow(topic, query, draw, connected = () => {}) {
  let picture = { facts: {}, rows: [] };
  let rows = {};
  let order = [];
  const source = new EventSource(`/api/stream/${topic}?${new URLSearchParams(query)}`);
  const take = (message) => {
    Object.assign(rows, message.rows ?? {});
    if (message.order) {
      order = message.order;
      rows = Object.fromEntries(order.map((id) => [id, rows[id]]));
    }
    picture = { facts: { ...picture.facts, ...(message.facts ?? {}) }, rows: order.map((id) => rows[id]) };
    draw(picture);
  };
  source.addEventListener("whole", (event) => {
    connected(true);
    picture = { facts: {}, rows: [] };
    rows = {};
    take(JSON.parse(event.data));
  });
  source.addEventListener("change", (event) => take(JSON.parse(event.data)));
  // A browser comes back by itself, except to a server that refuses it: that one must be asked why.
  source.onerror = () => connected(false, source.readyState === EventSource.CLOSED);
  return { close: () => source.close(), picture: () => picture };
}
