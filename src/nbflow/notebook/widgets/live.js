// The live view. Python decides what is shown; this file draws it and sends back what a person does.
// Every control is a custom message: in an awaiting cell a second change of a trait would never arrive.
// What nodes, models and people wrote is set as text (textContent), never as markup.

const SVG = "http://www.w3.org/2000/svg";
const HIGH = 560; // pixels of the graph's window at most
const ROWS = 300; // nodes in the table
const KEPT = 6000; // characters of streamed text that are kept for a node

const make = (tag, name = "", text = "") => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
};

const dark = () => {
  const body = document.body;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  if (/vscode-(dark|light|high)/.test(body.className)) return !body.classList.contains("vscode-light");
  return matchMedia("(prefers-color-scheme: dark)").matches;
};

const took = (seconds) => {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds), minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
};

class View {
  constructor(model, el) {
    this.model = model;
    this.offset = 0; // seconds by which this clock is ahead of the kernel's
    this.running = new Map(); // box → when it began
    this.known = new Map(); // box → what is said of it
    this.texts = new Map(); // path → streamed text
    this.head = {};
    this.chosen = null;
    this.scale = 1; this.x = 0; this.y = 0; this.fitted = true;
    this.build(el);
    this.draw();
    this.take(model.get("state") || {});
    this.off = [];
    this.listen(model, "change:svg", () => { this.draw(); this.take(model.get("state") || {}); });
    this.listen(model, "change:state", () => this.take(model.get("state") || {}));
    this.listen(model, "msg:custom", (message) => this.take(message));
    this.clock = setInterval(() => this.tick(), 200);
    this.theme = new MutationObserver(() => this.colour());
    this.theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
    this.resized = new ResizeObserver(() => { if (this.fitted) this.fit(); });
    this.resized.observe(this.window);
    this.send({ cmd: "hello" });
  }

  listen(model, event, callback) {
    model.on(event, callback);
    this.off.push(() => model.off(event, callback));
  }

  send(message) { this.model.send(message); }

  close() {
    clearInterval(this.clock);
    this.theme.disconnect();
    this.resized.disconnect();
    this.off.forEach((off) => off());
  }

  // --- the frame around the graph ---------------------------------------------------------------------

  build(el) {
    const root = (this.root = make("div", "nbflow"));
    root.setAttribute("role", "group");
    root.addEventListener("keydown", (event) => { event.stopPropagation(); this.key(event); });
    this.colour();
    const top = make("div", "nbflow-top");
    this.title = make("span", "nbflow-name");
    this.badge = make("span", "nbflow-phase");
    this.facts = make("span", "nbflow-facts");
    this.facts.setAttribute("aria-live", "off");
    this.tools = make("div", "nbflow-tools");
    this.tools.setAttribute("role", "toolbar");
    top.append(this.title, this.badge, this.facts, this.tools, this.zooms());
    this.bar = make("div", "nbflow-bar");
    this.fill = this.bar.appendChild(make("i"));
    this.slider = make("div", "nbflow-time");
    this.slider.hidden = true;
    const body = make("div", "nbflow-body");
    this.window = make("div", "nbflow-view");
    this.side = make("div", "nbflow-side");
    this.side.hidden = true;
    body.append(this.window, this.side);
    this.says = make("div", "nbflow-says");
    this.note = make("div", "nbflow-note");
    this.note.setAttribute("role", "status");
    root.append(top, this.bar, this.slider, body, this.says, this.note);
    this.pan();
    el.append(root);
  }

  zooms() {
    const zoom = make("div", "nbflow-zoom");
    for (const [sign, name, act] of [["−", "smaller", () => this.zoom(1 / 1.25)], ["⤢", "fit", () => this.fit()], ["+", "larger", () => this.zoom(1.25)]]) {
      const button = zoom.appendChild(make("button", "", sign));
      button.title = name;
      button.setAttribute("aria-label", name);
      button.onclick = act;
    }
    const list = zoom.appendChild(make("button", "", "☰"));
    list.title = "nodes as a table";
    list.setAttribute("aria-label", "nodes as a table");
    list.onclick = () => this.list();
    return zoom;
  }

  // --- the table of nodes -------------------------------------------------------------------------------

  list() {
    if (this.listed) { this.listed.remove(); this.listed = null; return; }
    const whole = (this.listed = make("div", "nbflow-list"));
    const find = whole.appendChild(make("input"));
    find.placeholder = "find: a name, a kind, a phase";
    find.setAttribute("aria-label", "find nodes");
    find.oninput = () => this.rows();
    whole.appendChild(make("table"));
    whole.appendChild(make("div", "more"));
    this.window.parentElement.before(whole);
    this.rows();
    find.focus();
  }

  rows() {
    const [find, table, more] = this.listed.children;
    const wanted = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [...this.known].filter(([, words]) => wanted.every((word) => words.toLowerCase().includes(word)));
    table.replaceChildren(...found.slice(0, ROWS).map(([key, words]) => {
      const line = make("tr"), [name, kind, phase, ...rest] = words.split(" · ");
      const button = make("button", "", name);
      button.onclick = () => this.look(key);
      line.appendChild(make("td")).append(button);
      line.append(make("td", "", kind), make("td", `q-${phase}`, phase), make("td", "", rest.join(" · ")));
      return line;
    }));
    more.textContent = found.length > ROWS ? `and ${found.length - ROWS} more` : `${found.length} of ${this.known.size}`;
  }

  colour() {
    const wanted = this.model.get("theme");
    this.root.dataset.theme = wanted === "light" || wanted === "dark" ? wanted : dark() ? "dark" : "light";
  }

  // --- the graph --------------------------------------------------------------------------------------

  draw() {
    const text = this.model.get("svg");
    const parsed = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    this.window.replaceChildren();
    this.groups = new Map();
    if (parsed.nodeName !== "svg") { this.window.append(make("pre", "", "the picture could not be read")); return; }
    this.svg = document.importNode(parsed, true);
    this.wide = parseFloat(this.svg.getAttribute("width"));
    this.high = parseFloat(this.svg.getAttribute("height"));
    for (const group of this.svg.querySelectorAll("g[id]")) {
      this.groups.set(group.id, group);
      if (!group.classList.contains("nbf-node")) continue;
      group.setAttribute("tabindex", "0");
      group.setAttribute("role", "button");
      group.setAttribute("aria-label", group.querySelector("title")?.textContent || group.id);
      group.addEventListener("click", (event) => { event.stopPropagation(); if (!this.dragged) this.look(group.id); });
    }
    this.window.append(this.svg);
    this.fit();
  }

  fit() {
    if (!this.svg) return;
    const room = this.window.clientWidth || 800;
    this.scale = Math.min(1, room / this.wide);
    if (this.high * this.scale > HIGH) this.scale = Math.max(Math.min(this.scale, HIGH / this.high), Math.min(this.scale, 0.55));
    this.x = Math.max(0, (room - this.wide * this.scale) / 2);
    this.y = 0;
    this.fitted = true;
    this.window.style.height = `${Math.min(HIGH, this.high * this.scale)}px`;
    this.move();
  }

  move() { this.svg.style.transform = `translate(${this.x}px,${this.y}px) scale(${this.scale})`; }

  zoom(factor, at) {
    const box = this.window.getBoundingClientRect();
    const [cx, cy] = at || [box.width / 2, box.height / 2];
    const scale = Math.min(4, Math.max(0.05, this.scale * factor));
    this.x = cx - (cx - this.x) * (scale / this.scale);
    this.y = cy - (cy - this.y) * (scale / this.scale);
    this.scale = scale;
    this.fitted = false;
    this.move();
  }

  pan() {
    let from = null;
    this.window.addEventListener("pointerdown", (event) => {
      this.dragged = false;
      if (event.target.closest("button")) return;
      from = [event.clientX - this.x, event.clientY - this.y, event.clientX, event.clientY, event.pointerId];
    });
    this.window.addEventListener("pointermove", (event) => {
      if (!from) return;
      if (!this.dragged && Math.hypot(event.clientX - from[2], event.clientY - from[3]) < 4) return;
      if (!this.dragged) this.window.setPointerCapture(from[4]);
      this.dragged = true;
      this.fitted = false;
      this.x = event.clientX - from[0];
      this.y = event.clientY - from[1];
      this.move();
    });
    const done = () => { from = null; };
    this.window.addEventListener("pointerup", done);
    this.window.addEventListener("pointercancel", done);
    this.window.addEventListener("dblclick", (event) => { if (!event.target.closest(".nbf-node")) this.fit(); });
    this.window.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls the notebook
      event.preventDefault();
      const box = this.window.getBoundingClientRect();
      this.zoom(Math.exp(-event.deltaY / 300), [event.clientX - box.left, event.clientY - box.top]);
    }, { passive: false });
  }

  key(event) {
    const group = event.target.closest?.(".nbf-node");
    if (event.key === "Escape" && !this.side.hidden) { this.shut(); return; }
    if (!group) return;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.look(group.id); }
    if (event.key === "b") this.send({ cmd: "break", key: group.id });
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const all = [...this.svg.querySelectorAll(".nbf-node")];
      all[(all.indexOf(group) + step + all.length) % all.length].focus();
    }
  }

  // --- news -------------------------------------------------------------------------------------------

  take(news) {
    if (news.now) this.offset = Date.now() / 1000 - news.now;
    for (const [key, look] of Object.entries(news.d || {})) this.paint(key, look);
    for (const [key, state] of Object.entries(news.w || {})) this.wire(key, state);
    if (this.listed && Object.keys(news.d || {}).length) this.rows();
    if (news.h) this.header(news.h);
    for (const [path, text] of Object.entries(news.t || {})) this.hear(path, text);
    if (news.i) this.inspect(news.i);
    if (news.n !== undefined) { this.note.textContent = news.n.text || ""; this.note.className = `nbflow-note ${news.n.bad ? "bad" : ""}`; }
  }

  paint(key, [phase, note, badge, since, title]) {
    this.known.set(key, title);
    const group = this.groups.get(key);
    if (!group) return;
    const classes = [...group.classList].filter((name) => !name.startsWith("p-"));
    group.setAttribute("class", [...classes, `p-${phase}`].join(" "));
    const signs = this.model.get("signs") || {};
    group.querySelector(":scope > .mark > .sign")?.setAttribute("d", signs[phase] || "");
    const line = group.querySelector(":scope > .note, :scope > .head > .note");
    if (line) line.textContent = note;
    const corner = group.querySelector(":scope > .badge");
    if (corner) corner.textContent = badge;
    const words = group.querySelector(":scope > title");
    if (words) words.textContent = title;
    group.setAttribute("aria-label", title);
    if (since && !badge) this.running.set(key, [since, corner]);
    else this.running.delete(key);
  }

  wire(key, state) {
    for (const group of [this.groups.get(key), this.groups.get(`${key}l`)]) {
      if (!group) continue;
      group.classList.remove("live", "dead");
      if (state) group.classList.add(state);
    }
  }

  header(head) {
    this.head = head;
    this.title.textContent = head.name;
    this.root.setAttribute("aria-label", `workflow ${head.name}, ${head.phase}`);
    this.badge.className = `nbflow-phase q-${head.phase}`;
    this.badge.replaceChildren(this.sign(head.phase), document.createTextNode(head.phase));
    this.bar.className = `nbflow-bar q-${head.phase}`;
    this.fill.style.width = `${head.total ? (100 * head.done) / head.total : 0}%`;
    this.buttons(head.tools || []);
    if (head.time) this.time(head.time);
    const stops = new Set(head.stops || []);
    for (const [key, group] of this.groups) if (group.classList.contains("nbf-node")) this.stop(group, stops.has(key));
    this.tick();
  }

  time({ at, last, says }) {
    if (this.slider.hidden) {
      this.slider.hidden = false;
      this.range = make("input");
      this.range.type = "range";
      this.range.min = 1;
      this.range.setAttribute("aria-label", "record");
      const go = (value) => { this.range.value = value; this.send({ cmd: "at", value: Number(this.range.value) }); };
      const step = (sign, name, by) => {
        const button = make("button", "", sign);
        button.setAttribute("aria-label", name);
        button.onclick = () => go(Number(this.range.value) + by);
        return button;
      };
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
  }

  sign(phase) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 16 16");
    const disc = svg.appendChild(document.createElementNS(SVG, "circle"));
    for (const [name, value] of [["class", "disc"], ["cx", 8], ["cy", 8], ["r", 6.6]]) disc.setAttribute(name, value);
    const path = svg.appendChild(document.createElementNS(SVG, "path"));
    path.setAttribute("class", "sign");
    path.setAttribute("d", (this.model.get("signs") || {})[phase] || "");
    return svg;
  }

  stop(group, on) {
    if (on && !group.querySelector(":scope > .stop")) {
      const box = group.querySelector(":scope > .card, :scope > .frame");
      const mark = document.createElementNS(SVG, "circle");
      for (const [name, value] of [["class", "stop"], ["r", 5]]) mark.setAttribute(name, value);
      mark.setAttribute("cx", parseFloat(box?.getAttribute("x") || 0) + 2);
      mark.setAttribute("cy", parseFloat(box?.getAttribute("y") || 0) + 2);
      group.append(mark);
    }
    group.classList.toggle("brk", on);
  }

  buttons(tools) {
    const shape = JSON.stringify(tools);
    if (shape === this.shape) return;
    this.shape = shape;
    this.tools.replaceChildren(...tools.map(([cmd, label, title, on, main]) => {
      const button = make("button", main ? "main" : "", label);
      button.title = title;
      button.disabled = !on;
      button.dataset.cmd = cmd;
      button.onclick = () => this.send({ cmd, path: this.chosen?.path });
      return button;
    }));
  }

  tick() {
    const now = Date.now() / 1000 - this.offset;
    for (const [since, corner] of this.running.values()) {
      if (corner && !this.head.ended) corner.textContent = took(Math.max(0, now - since));
    }
    const head = this.head;
    if (!head.name) return;
    const words = [head.says];
    if (head.started) words.push(took(Math.max(0, (head.ended || now) - head.started)));
    this.facts.textContent = [...words, ...(head.usage || [])].filter(Boolean).join(" · ");
  }

  hear(path, text) {
    this.texts.set(path, ((this.texts.get(path) || "") + text).slice(-KEPT));
    this.last = path;
    this.says.replaceChildren(make("b", "", `${path}  `), document.createTextNode(this.texts.get(path)));
    this.says.scrollTop = this.says.scrollHeight;
  }

  // --- the inspector ----------------------------------------------------------------------------------

  look(key, path) {
    for (const group of this.groups.values()) group.classList.toggle("chosen", group.id === key);
    this.send({ cmd: "look", key, path });
  }

  shut() {
    this.side.hidden = true;
    this.chosen = null;
    for (const group of this.groups.values()) group.classList.remove("chosen");
    this.send({ cmd: "unlook" });
  }

  inspect(page) {
    const same = this.chosen?.path === page.path && !this.side.hidden;
    if (same && this.side.contains(document.activeElement) && /INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)) return;
    const scroll = same ? this.side.scrollTop : 0;
    this.chosen = page;
    this.side.hidden = false;
    const head = make("header");
    const shut = make("button", "", "×");
    shut.setAttribute("aria-label", "close the inspector");
    shut.onclick = () => this.shut();
    const badge = make("span", `nbflow-phase q-${page.phase}`);
    badge.append(this.sign(page.phase), document.createTextNode(page.phase));
    head.append(make("strong", "", page.title), badge, shut);
    const parts = [head];
    if ((page.paths || []).length > 1) parts.push(this.instances(page));
    const list = make("dl");
    for (const [name, value] of page.facts || []) list.append(make("dt", "", name), make("dd", "", value));
    if (page.form) parts.push(this.form(page));
    parts.push(list);
    if ((page.acts || []).length) parts.push(this.acts(page));
    for (const block of page.blocks || []) parts.push(make("h4", "", block.title), this.block(block));
    if (page.evaluates) parts.push(this.evaluator(page));
    this.side.replaceChildren(...parts);
    this.side.scrollTop = scroll;
    this.side.style.maxHeight = `${Math.max(360, this.window.clientHeight)}px`;
  }

  evaluator(page) {
    const whole = make("div"), row = whole.appendChild(make("form", "nbflow-ask plain")), input = row.appendChild(make("input"));
    input.placeholder = "expression, as this node sees it";
    input.setAttribute("aria-label", "expression");
    input.value = this.asked || "";
    const button = row.appendChild(make("button", "", "watch"));
    button.type = "submit";
    row.onsubmit = (event) => {
      event.preventDefault();
      this.asked = "";
      const text = input.value;
      input.value = "";
      input.blur();
      if (text.trim()) this.send({ cmd: "watch", path: page.path, text });
    };
    for (const [text, value, bad] of page.watched || []) {
      const line = whole.appendChild(make("div", "watched"));
      line.append(make("code", "", text), make("span", bad ? "bad" : "", ` = ${value}`));
      const drop = line.appendChild(make("button", "", "×"));
      drop.setAttribute("aria-label", `no longer watch ${text}`);
      drop.onclick = () => this.send({ cmd: "unwatch", text });
    }
    return whole;
  }

  instances(page) {
    const select = make("select");
    select.setAttribute("aria-label", "which round or item");
    for (const [path, words] of page.paths) {
      const option = select.appendChild(make("option", "", words));
      option.value = path;
      option.selected = path === page.path;
    }
    select.onchange = () => this.look(page.key, select.value);
    return select;
  }

  acts(page) {
    const row = make("div", "acts");
    for (const [cmd, label, title] of page.acts) {
      const button = row.appendChild(make("button", "", label));
      button.title = title;
      button.dataset.cmd = cmd;
      button.onclick = () => this.send({ cmd, key: page.key, path: page.path });
    }
    return row;
  }

  block(block) {
    if (block.image) {
      const image = make("img");
      image.src = block.image;
      image.alt = block.title;
      return image;
    }
    if (block.table) return this.table(block.table);
    if (block.edit) return this.editor(block);
    return make("pre", block.bad ? "bad" : "", block.text);
  }

  table({ columns, rows }) {
    const wide = make("div", "wide"), table = wide.appendChild(make("table"));
    const head = table.appendChild(make("tr"));
    for (const name of columns) head.append(make("th", "", name));
    for (const row of rows) {
      const line = table.appendChild(make("tr"));
      for (const cell of row) line.append(make("td", "", cell));
    }
    return wide;
  }

  editor(block) {
    const whole = make("div"), area = whole.appendChild(make("textarea"));
    area.value = block.text;
    area.spellcheck = false;
    area.setAttribute("aria-label", block.title);
    const row = whole.appendChild(make("div", "acts"));
    const apply = row.appendChild(make("button", "main", block.edit.label));
    apply.dataset.cmd = block.edit.cmd;
    apply.onclick = () => {
      let value;
      try { value = JSON.parse(area.value); } catch (problem) {
        this.take({ n: { text: `not JSON: ${problem.message}`, bad: true } });
        return;
      }
      area.blur();
      this.send({ cmd: block.edit.cmd, key: this.chosen.key, path: this.chosen.path, value });
    };
    return whole;
  }

  form(page) {
    const form = make("form"), fields = [];
    form.append(make("div", "prompt", page.form.prompt));
    for (const field of page.form.fields) {
      const label = form.appendChild(make("label", "", field.label));
      const input = form.appendChild(this.field(field));
      input.setAttribute("aria-label", field.label);
      fields.push([field, input]);
    }
    const send = form.appendChild(make("div", "acts")).appendChild(make("button", "main", "answer"));
    send.type = "submit";
    form.onsubmit = (event) => {
      event.preventDefault();
      try {
        const values = fields.map(([field, input]) => [field.name, this.read(field, input)]);
        const value = page.form.single ? values[0][1] : Object.fromEntries(values.filter(([, item]) => item !== undefined));
        document.activeElement?.blur();
        this.send({ cmd: "answer", key: page.key, path: page.path, value });
      } catch (problem) { this.take({ n: { text: problem.message, bad: true } }); }
    };
    return form;
  }

  field(field) {
    if (field.options) {
      const select = make("select");
      for (const value of field.options) select.appendChild(make("option", "", String(value))).value = JSON.stringify(value);
      return select;
    }
    if (field.type === "json") return make("textarea");
    const input = make("input");
    input.type = { boolean: "checkbox", number: "number", integer: "number" }[field.type] || "text";
    if (field.type === "number") input.step = "any";
    return input;
  }

  read(field, input) {
    if (field.options) return JSON.parse(input.value);
    if (field.type === "boolean") return input.checked;
    if (input.value === "" && !field.required) return undefined;
    if (field.type === "number" || field.type === "integer") {
      if (input.value === "" || Number.isNaN(Number(input.value))) throw new Error(`${field.label} must be a number`);
      return Number(input.value);
    }
    if (field.type !== "json") return input.value;
    try { return JSON.parse(input.value); } catch (problem) { throw new Error(`${field.label}: not JSON (${problem.message})`); }
  }
}

function render({ model, el }) {
  const view = new View(model, el);
  return () => view.close();
}

export default { render };
