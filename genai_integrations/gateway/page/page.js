"use strict";
// The live part comes as HTML that the gateway has escaped; what models say is only ever put in as text.
const byId = (id) => document.getElementById(id);
// Without a name and a password that the page's own address may have: fetch() takes none there.
const at = (path) => new URL(path, location.origin + location.pathname).href;
const state = byId("state");
const scrolled = () => [...byId("live").querySelectorAll(".scroll")];
let silence = null;

function show(html) {
  // A table that was pushed aside on a narrow screen stays where it was.
  const lefts = scrolled().map((part) => part.scrollLeft);
  byId("live").innerHTML = html;
  scrolled().forEach((part, at) => { part.scrollLeft = lefts[at] || 0; });
  state.className = "on";
  state.textContent = "live";
  clearTimeout(silence);
  silence = setTimeout(() => {
    state.className = "";
    state.textContent = "waiting for the gateway";
  }, 8000);
}

function listen() {
  const updates = new EventSource(at("status/events"));
  updates.onmessage = (event) => show(JSON.parse(event.data));
  updates.onerror = () => {
    // It comes back by itself, but not after an error's status.
    if (updates.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  };
}
listen();

const form = byId("playground");
let stopping = null;

async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data: {")) yield JSON.parse(line.slice(6));
    }
  }
}

async function refusal(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return "the gateway answered " + response.status;
  }
}

function told(began, first, known) {
  const seconds = (at) => ((at - began) / 1000).toFixed(2) + " s";
  const parts = [known.target, seconds(performance.now())];
  if (first) parts.push("first word after " + seconds(first));
  if (known.usage) parts.push(known.usage.prompt_tokens + " + " + known.usage.completion_tokens + " tokens");
  if (typeof known.cost === "number") parts.push("$" + known.cost.toFixed(6));
  if (known.cache === "HIT") parts.push("from the cache");
  return parts.filter(Boolean).join(" · ");
}

async function ask(model, prompt, panel, signal) {
  const [title, text, note] = ["b", ".text", ".note"].map((part) => panel.querySelector(part));
  const began = performance.now();
  let first = null, known = {};
  title.textContent = model;
  text.textContent = "";
  text.className = "text";
  note.textContent = "…";
  try {
    const response = await fetch(at("v1/chat/completions"), {
      method: "POST", signal, headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        model, stream: true, stream_options: { include_usage: true },
        messages: [{ role: "user", content: prompt }],
      }),
    });
    if (!response.ok) throw new Error(await refusal(response));
    known.target = decodeURIComponent(response.headers.get("x-genai-target") || "");
    for await (const chunk of eventsOf(response)) {
      if (chunk.error) throw new Error(chunk.error.message);
      const piece = chunk.choices?.[0]?.delta?.content;
      if (piece) {
        first ??= performance.now();
        text.append(piece);
      }
      if (chunk.usage) known.usage = chunk.usage;
      if (chunk.genai) known = { ...known, ...chunk.genai };
    }
  } catch (error) {
    text.className = "text genai-bad";
    text.append((text.textContent ? "\n" : "") + (signal.aborted ? "stopped" : error.message));
  }
  note.textContent = told(began, first, known);
}

if (form) {
  const stop = byId("stop"), go = byId("ask");
  stop.onclick = () => stopping?.abort();
  form.onsubmit = async (event) => {
    event.preventDefault();
    stopping = new AbortController();
    go.disabled = true;
    stop.disabled = false;
    const prompt = form.elements.prompt.value;
    const models = [form.elements.left.value, form.elements.right.value];
    const panels = [byId("answer-left"), byId("answer-right")];
    await Promise.all(models.map((model, at) => model && ask(model, prompt, panels[at], stopping.signal)));
    go.disabled = false;
    stop.disabled = true;
  };
}
