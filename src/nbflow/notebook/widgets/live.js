// The view as a whole: a head with tools, the graph, the inspector, what is said. News come in, commands go out.

const KEPT = 6000; // characters of streamed text that are kept for a node
const VOICES = 3; // nodes whose streamed text is shown at a time
const QUIET = 4000; // milliseconds without a word, after which a voice gives its place up
const TABLE = 1000; // nodes above which the table is open from the beginning
const ALOUD = ["held", "waiting", "paused", "suspended", "failed", "completed", "cancelled"];

// Where the focus goes when the view it was in gives way to the still picture: there, as soon as it is drawn.
const settle = (cell, tries) => {
  if (document.activeElement !== document.body) return;
  const still = cell.querySelector(".nbflow-final");
  if (!still && tries) { requestAnimationFrame(() => settle(cell, tries - 1)); return; }
  if (!still) return;
  still.tabIndex = -1;
  still.focus({ preventScroll: true });
};

class View {
  constructor(model, el) {
    this.model = model;
    this.signs = model.get("signs") || {};
    this.offset = 0; // seconds by which this clock is ahead of the kernel's
    this.running = new Map(); // box → when it began
    this.known = new Map(); // box → its phase, its words, how long it took
    this.voices = new Map(); // path → streamed text, its line, when it was heard last
    this.head = {};
    this.held = new Set(); // boxes with a breakpoint
    this.build(el);
    this.draw();
    this.off = [];
    this.listen("change:svg", () => this.draw());
    this.listen("change:state", () => this.take(model.get("state") || {}));
    this.listen("msg:custom", (message) => this.take(message));
    this.listen("comm_live_update", () => { if (el.closest(".jupyter-widgets-disconnected")) this.lose(); });
    this.root.addEventListener("focusin", () => { this.near = this.root.closest(".jp-Cell"); });
    this.root.addEventListener("focusout", ({ relatedTarget: to }) => { if (to && !this.root.contains(to)) this.near = null; });
    this.root.addEventListener("nbflow-gone", () => this.lose()); // what the notebook's own front end knows of its kernel
    this.clock = setInterval(() => this.tick(), 200);
    this.keys = (event) => this.own(event);
    window.addEventListener("keydown", this.keys, true);
    this.theme = new MutationObserver(() => this.colour());
    this.theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
    this.send({ cmd: "hello" });
  }

  listen(event, callback) {
    this.model.on(event, callback);
    this.off.push(() => this.model.off(event, callback));
  }

  send(message) { if (!this.lost) this.model.send(message); }

  // Nobody answers any more: what is seen stays as the last that was known, and says so.
  lose() {
    if (this.lost) return;
    this.lost = true;
    clearInterval(this.clock);
    this.root.classList.add("lost");
    this.badge.className = "nbflow-phase q-lost";
    this.badge.textContent = this.aloud.textContent = "kernel gone";
    const again = `%workflow ${this.head.time ? "time" : "show"} ${this.head.id || this.head.name}`;
    this.tell({ text: `the kernel is gone; ${again} draws it from the journal`, bad: true });
    for (const part of [this.tools, this.slider, this.inspector.element]) {
      for (const control of part.querySelectorAll("button:not([data-cmd=unlook]), input, textarea, select")) control.disabled = true;
    }
  }

  close() {
    clearInterval(this.clock);
    this.theme.disconnect();
    window.removeEventListener("keydown", this.keys, true);
    this.graph.close();
    this.table?.close();
    this.off.forEach((off) => off());
    if (this.near) requestAnimationFrame(() => settle(this.near, 30));
  }

  // --- the frame around the graph ---------------------------------------------------------------------

  build(el) {
    const root = (this.root = make("div", "nbflow"));
    root.setAttribute("role", "group");
    root.dataset.lmSuppressShortcuts = "true"; // keys pressed here are not the notebook's
    this.colour();
    const top = make("div", "nbflow-top");
    this.title = press("", () => this.look(""), { name: "nbflow-name", title: "the execution itself: its inputs", cmd: "whole" });
    this.badge = make("span", "nbflow-phase");
    this.facts = make("span", "nbflow-facts");
    this.tools = make("div", "nbflow-tools");
    this.tools.setAttribute("role", "toolbar");
    this.tools.setAttribute("aria-label", "execution");
    top.append(this.title, this.badge, this.facts, this.tools, this.zooms());
    this.bar = make("div", "nbflow-bar");
    this.bar.setAttribute("role", "progressbar");
    this.bar.setAttribute("aria-label", "nodes that are done");
    this.fill = this.bar.appendChild(make("i"));
    this.slider = make("div", "nbflow-time");
    this.slider.hidden = true;
    this.body = make("div", "nbflow-body");
    this.graph = new Graph(this.signs, { look: (key) => this.look(key), stop: (key) => this.send({ cmd: "break", key }) });
    this.inspector = new Inspector(this);
    this.body.append(this.graph.element, this.inspector.element);
    this.says = make("div", "nbflow-says");
    this.note = make("div", "nbflow-note");
    this.note.setAttribute("role", "status");
    this.aloud = make("div", "nbflow-aloud"); // for who listens: where it stands, when that needs a person
    this.aloud.setAttribute("role", "status");
    root.append(top, this.bar, this.slider, this.body, this.says, this.note, this.aloud);
    el.append(root);
  }

  zooms() {
    const zoom = make("div", "nbflow-zoom");
    zoom.setAttribute("role", "toolbar");
    zoom.setAttribute("aria-label", "picture");
    const add = (label, says, key, act) => zoom.appendChild(press(label, act, { says, title: key ? `${says} (${key})` : says }));
    add("−", "smaller", "-", () => this.graph.zoom(1 / 1.25));
    add("⤢", "fit", "0", () => this.graph.fit());
    add("+", "larger", "+", () => this.graph.zoom(1.25));
    this.lister = add("☰", "nodes as a table", "", () => this.list());
    this.lister.setAttribute("aria-pressed", "false");
    return zoom;
  }

  list(focus = true) {
    if (this.table) { this.table.close(); this.table = null; }
    else {
      this.table = new NodeTable(this.known, (key) => this.look(key));
      this.body.before(this.table.element);
      if (focus) this.table.find.focus();
    }
    this.lister.setAttribute("aria-pressed", String(Boolean(this.table)));
  }

  colour() {
    const wanted = this.model.get("theme");
    this.root.dataset.theme = wanted === "light" || wanted === "dark" ? wanted : dark() ? "dark" : "light";
  }

  draw() {
    this.graph.draw(this.model.get("svg"));
    this.take(this.model.get("state") || {});
    if (this.graph.nodes.length > TABLE && !this.table) this.list(false);
  }

  // A notebook takes keys on their way down from the document, so they are caught above it: what is pressed in the view
  // is the view's alone. An element's own keys are its `keyed`, which says whether it took one.
  own(event) {
    if (!this.root.contains(event.target)) return;
    event.stopImmediatePropagation();
    if (!event.target.keyed?.(event)) this.key(event);
  }

  key(event) {
    const writes = /INPUT|TEXTAREA|SELECT/.test(event.target.tagName);
    if (event.key === "Escape" && this.inspector.open) this.shut();
    else if (writes || event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === "r" && this.can("again")) this.again();
    else if (event.target.closest("button") || !this.graph.key(event)) return;
    event.preventDefault();
  }

  can(cmd) { return (this.head.tools || []).some(([name, , , on]) => name === cmd && on); }

  // --- news -------------------------------------------------------------------------------------------

  take(news) {
    if (this.lost) return;
    if (news.now) this.offset = Date.now() / 1000 - news.now;
    for (const [key, look] of Object.entries(news.d || {})) this.paint(key, look);
    for (const [key, state] of Object.entries(news.w || {})) this.graph.wire(key, state);
    if (news.d && Object.keys(news.d).length) this.table?.soon();
    if (news.h) this.header(news.h);
    for (const [path, text] of Object.entries(news.t || {})) this.hear(path, text);
    if (news.n !== undefined) this.tell(news.n);
    if (news.i) this.inspect(news.i);
  }

  tell({ text, bad }) {
    this.note.textContent = text || "";
    this.note.className = `nbflow-note ${bad ? "bad" : ""}`;
    this.inspector.heard(bad);
  }

  paint(key, look) {
    const [phase, , badge, since, title] = look;
    this.known.set(key, { phase, badge, title });
    this.graph.paint(key, look);
    if (since && !badge) this.running.set(key, since);
    else this.running.delete(key);
  }

  header(head) {
    const before = this.head.phase;
    this.head = head;
    this.title.textContent = head.name;
    if (head.phase !== before) {
      this.root.setAttribute("aria-label", `workflow ${head.name}`);
      this.badge.className = `nbflow-phase q-${head.phase}`;
      this.badge.replaceChildren(sign(this.signs[head.phase]), document.createTextNode(head.phase));
      this.bar.className = `nbflow-bar q-${head.phase}`;
      if (ALOUD.includes(head.phase)) this.aloud.textContent = `${head.name} is ${head.phase}`;
    }
    this.fill.style.width = `${head.total ? (100 * head.done) / head.total : 0}%`;
    this.bar.setAttribute("aria-valuenow", head.total ? String(Math.round((100 * head.done) / head.total)) : "0");
    this.buttons(head.tools || []);
    if (head.time) this.time(head.time);
    this.breakpoints(head.stops || []);
    this.tick();
  }

  breakpoints(keys) {
    const shape = keys.join(" ");
    if (shape === this.stopping) return;
    this.stopping = shape;
    this.held = new Set(keys);
    this.graph.stops(this.held);
    if (this.inspector.page && !this.inspector.busy()) this.inspector.show(this.inspector.page);
  }

  stopped(key) { return this.held.has(key); }

  time({ at, last, says }) {
    if (this.slider.hidden) {
      this.slider.hidden = false;
      this.range = make("input");
      this.range.type = "range";
      this.range.min = 1;
      this.range.setAttribute("aria-label", "record");
      const go = (value) => { this.range.value = value; this.send({ cmd: "at", value: Number(this.range.value) }); };
      const step = (label, says, by) => press(label, () => go(Number(this.range.value) + by), { says, title: says });
      this.range.oninput = () => {
        if (this.moving) return;
        this.moving = setTimeout(() => { this.moving = null; go(this.range.value); }, 60);
      };
      this.moment = make("span");
      this.slider.append(step("‹", "one record back", -1), this.range, step("›", "one record on", 1), this.moment);
    }
    this.range.max = last;
    if (document.activeElement !== this.range && !this.moving) this.range.value = at;
    this.moment.textContent = `${at} of ${last} · ${says}`;
    this.range.setAttribute("aria-valuetext", this.moment.textContent);
  }

  buttons(tools) {
    const shape = JSON.stringify(tools);
    if (shape === this.shape) return;
    this.shape = shape;
    const focus = this.tools.contains(document.activeElement) ? document.activeElement.dataset.cmd : null;
    this.tools.replaceChildren(...tools.map(([cmd, label, title, on, main]) => {
      const act = cmd === "again" ? () => this.again() : () => this.send(cmd === "fork" ? { cmd, edits: this.inspector.edits() } : { cmd, path: this.inspector.page?.path });
      const button = press(label, act, { name: main ? "main" : "", title, cmd });
      button.disabled = !on;
      return button;
    }));
    if (focus) (this.tools.querySelector(`[data-cmd="${focus}"]:not([disabled])`) || this.tools.querySelector("button:not([disabled])"))?.focus();
  }

  // The notebook, where it listens, tells the kernel what to keep and runs the cell, in this order: a message of ours could
  // come after the cell. Elsewhere the kernel is told, and the cell is run by hand.
  again() {
    const asked = new CustomEvent("nbflow-again", { bubbles: true, composed: true, cancelable: true, detail: this.head.id });
    if (this.root.dispatchEvent(asked)) this.send({ cmd: "again" });
  }

  tick() {
    const now = Date.now() / 1000 - this.offset, head = this.head;
    if (!head.ended) for (const [key, since] of this.running) this.graph.badge(key, took(Math.max(0, now - since)));
    if (!head.name) return;
    const words = [head.says];
    if (head.started) words.push(took(Math.max(0, (head.ended || now) - head.started)));
    const text = [...words, ...(head.usage || [])].filter(Boolean).join(" · ");
    if (text !== this.facts.textContent) this.facts.textContent = text;
  }

  // --- what is said -----------------------------------------------------------------------------------

  hear(path, text) {
    const now = performance.now();
    let voice = this.voices.get(path);
    if (!voice) {
      voice = { text: "", line: make("div") };
      voice.line.append(make("b", "", path), make("span"));
      this.voices.set(path, voice);
    }
    voice.text = (voice.text + text).slice(-KEPT);
    voice.at = now;
    voice.line.lastChild.textContent = voice.text;
    if (!voice.line.isConnected) this.says.append(voice.line);
    const shown = [...this.voices.values()].filter((each) => each.line.isConnected).sort((a, b) => b.at - a.at);
    shown.forEach((each, place) => { if (place >= VOICES || now - each.at > QUIET) each.line.remove(); });
    voice.line.lastChild.scrollTop = voice.line.lastChild.scrollHeight;
  }

  // --- the inspector ----------------------------------------------------------------------------------

  look(key, path) {
    this.graph.choose(key);
    this.send({ cmd: "look", key, path });
  }

  shut() {
    const key = this.graph.chosen;
    this.inspector.shut();
    this.graph.choose(null);
    this.send({ cmd: "unlook" });
    if (key === "") this.title.focus();
    else if (key && (this.root.contains(document.activeElement) || document.activeElement === document.body)) this.graph.focus(key);
    if (this.graph.fitted) this.graph.fit();
  }

  inspect(page) {
    if (this.graph.chosen === undefined) this.graph.choose(page.key); // the view is drawn anew, and this was looked at
    if (page.key !== this.graph.chosen) return; // it was closed, or another was chosen, while this was on its way
    const fresh = !this.inspector.open || this.inspector.page?.key !== page.key;
    this.inspector.show(page);
    if (!fresh) return;
    this.body.classList.toggle("below", this.graph.low(this.body.clientWidth));
    this.inspector.element.style.maxHeight = this.body.classList.contains("below") ? "420px" : `${Math.max(420, parseFloat(this.graph.element.style.minHeight) || 0)}px`;
    if (this.graph.fitted) this.graph.fit();
    this.graph.reveal(page.key);
  }
}

function render({ model, el }) {
  const view = new View(model, el);
  return () => view.close();
}

export default { render };
