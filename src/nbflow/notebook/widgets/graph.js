// The graph: the picture that Python drew, painted by looks, moved and zoomed, reached by keys.
// One node is a stop of the Tab key; arrows go on from it.

const HIGH = 560; // pixels of the graph's window at most
const LOW = 300; // pixels of a graph that is wide and low, so that the inspector goes under it
const MANY_NODES = 300; // above it nothing pulses or fades, so that frames stay short

class Graph {
  constructor(signs, { look, stop }) {
    this.signs = signs; this.look = look; this.stop = stop;
    this.scale = 1; this.x = 0; this.y = 0; this.fitted = true;
    this.groups = new Map(); this.parts = new Map(); this.nodes = [];
    this.element = make("div", "nbflow-view");
    this.pan();
    this.resized = new ResizeObserver(() => { if (this.fitted) this.fit(); });
    this.resized.observe(this.element);
  }

  close() { this.resized.disconnect(); }

  // As one reads it: along the flow, and across it where nodes stand beside each other.
  order() {
    const across = this.wide > this.high, place = (key) => {
      const box = this.groups.get(key).querySelector(":scope > .card, :scope > .frame, :scope > .dot");
      const at = ["x", "y"].map((name) => parseFloat(box?.getAttribute(name) || box?.getAttribute(`c${name}`) || 0));
      return across ? at : at.reverse();
    };
    const placed = [...this.parts.keys()].map((key) => [key, ...place(key)]);
    placed.sort((a, b) => (Math.abs(a[1] - b[1]) > 8 ? a[1] - b[1] : a[2] - b[2]));
    this.nodes = placed.map(([key]) => key);
  }

  draw(text) {
    const parsed = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    this.element.replaceChildren();
    this.groups.clear();
    this.parts.clear();
    this.nodes = [];
    this.svg = null;
    if (parsed.nodeName !== "svg") { this.element.append(make("pre", "", "the picture could not be read")); return; }
    this.svg = document.importNode(parsed, true);
    this.svg.setAttribute("role", "group");
    this.wide = parseFloat(this.svg.getAttribute("width"));
    this.high = parseFloat(this.svg.getAttribute("height"));
    for (const group of this.svg.querySelectorAll("g[id]")) {
      this.groups.set(group.id, group);
      if (group.classList.contains("nbf-node")) this.node(group);
    }
    this.svg.classList.toggle("many", this.parts.size > MANY_NODES);
    this.order();
    this.stopAt(this.nodes[0]);
    this.element.append(this.svg);
    this.fit();
  }

  node(group) {
    const part = (name) => group.querySelector(`:scope > ${name}`);
    this.parts.set(group.id, {
      sign: part(".mark > .sign"), note: part(".note") || part(".head > .note"), badge: part(".badge"), title: part("title"),
    });
    group.setAttribute("tabindex", "-1");
    group.setAttribute("role", "button");
    group.setAttribute("aria-label", part("title")?.textContent || group.id);
    group.addEventListener("click", (event) => { event.stopPropagation(); if (!this.dragged) this.look(group.id); });
    group.addEventListener("focus", () => this.stopAt(group.id));
  }

  stopAt(key) {
    this.groups.get(this.tab)?.setAttribute("tabindex", "-1");
    this.groups.get(key)?.setAttribute("tabindex", "0");
    this.tab = key;
  }

  // --- where it stands ------------------------------------------------------------------------------------

  // Whether the inspector is better under the graph than beside it.
  low(room) { return Boolean(this.svg) && this.wide > 0.7 * room && this.high * Math.min(1, room / this.wide) < LOW; }

  fit() {
    if (!this.svg) return;
    const room = this.element.clientWidth || 800, least = this.svg.classList.contains("nbf-dense") ? 0.3 : 0.55;
    this.scale = Math.min(1, room / this.wide);
    if (this.high * this.scale > HIGH) this.scale = Math.max(Math.min(this.scale, HIGH / this.high), Math.min(this.scale, least));
    const high = this.high * this.scale, window = Math.min(HIGH, high);
    this.element.style.minHeight = `${window}px`;
    this.x = Math.max(0, (room - this.wide * this.scale) / 2);
    this.y = Math.max(0, (Math.min(this.element.clientHeight, HIGH * 1.4) - high) / 2);
    this.fitted = true;
    this.move();
  }

  move() { if (this.svg) this.svg.style.transform = `translate(${this.x}px,${this.y}px) scale(${this.scale})`; }

  zoom(factor, at) {
    const box = this.element.getBoundingClientRect();
    const [cx, cy] = at || [box.width / 2, box.height / 2];
    const scale = Math.min(4, Math.max(0.05, this.scale * factor));
    this.x = cx - (cx - this.x) * (scale / this.scale);
    this.y = cy - (cy - this.y) * (scale / this.scale);
    this.scale = scale;
    this.fitted = false;
    this.move();
  }

  // Bring a node into the window, when it is not there.
  reveal(key) {
    const group = this.groups.get(key);
    if (!group) return;
    const inner = group.getBoundingClientRect(), outer = this.element.getBoundingClientRect();
    const inside = inner.left >= outer.left && inner.right <= outer.right && inner.top >= outer.top && inner.bottom <= outer.bottom;
    if (inside || inner.width > outer.width) return;
    this.x += outer.left + outer.width / 2 - (inner.left + inner.width / 2);
    this.y += outer.top + outer.height / 2 - (inner.top + inner.height / 2);
    this.fitted = false;
    this.move();
  }

  pan() {
    let from = null;
    const window = this.element;
    window.addEventListener("pointerdown", (event) => {
      this.dragged = false;
      from = [event.clientX - this.x, event.clientY - this.y, event.clientX, event.clientY, event.pointerId];
    });
    window.addEventListener("pointermove", (event) => {
      if (!from) return;
      if (!this.dragged && Math.hypot(event.clientX - from[2], event.clientY - from[3]) < 4) return;
      if (!this.dragged) window.setPointerCapture(from[4]);
      this.dragged = true;
      this.fitted = false;
      this.x = event.clientX - from[0];
      this.y = event.clientY - from[1];
      this.move();
    });
    const done = () => { from = null; };
    window.addEventListener("pointerup", done);
    window.addEventListener("pointercancel", done);
    window.addEventListener("dblclick", (event) => { if (!event.target.closest(".nbf-node")) this.fit(); });
    window.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls the notebook
      event.preventDefault();
      const box = window.getBoundingClientRect();
      this.zoom(Math.exp(-event.deltaY / 300), [event.clientX - box.left, event.clientY - box.top]);
    }, { passive: false });
  }

  // --- keys -----------------------------------------------------------------------------------------------

  // Whether the key was one of the graph's.
  key(event) {
    const zoom = { "+": 1.25, "=": 1.25, "-": 1 / 1.25 }[event.key];
    if (zoom) this.zoom(zoom);
    else if (event.key === "0") this.fit();
    else return this.keyOfNode(event, event.target.closest?.(".nbf-node"));
    return true;
  }

  keyOfNode(event, group) {
    if (!group) return false;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" || event.key === " ") this.look(group.id);
    else if (event.key === "b") this.stop(group.id);
    else if (step) this.focus(group.id, step);
    else return false;
    return true;
  }

  focus(key, step = 0) {
    const all = this.nodes, next = all[(all.indexOf(key) + step + all.length) % all.length];
    this.groups.get(next)?.focus({ preventScroll: true });
    this.reveal(next);
  }

  // --- looks ----------------------------------------------------------------------------------------------

  paint(key, [phase, note, badge, , title, timed]) {
    const group = this.groups.get(key), part = this.parts.get(key);
    if (!part) return;
    const classes = [...group.classList].filter((name) => !name.startsWith("p-"));
    group.setAttribute("class", [...classes, `p-${phase}`].join(" "));
    part.sign?.setAttribute("d", this.signs[phase] || "");
    if (part.note) part.note.textContent = note;
    if (part.badge) part.badge.textContent = timed ? badge : "";
    if (part.title) part.title.textContent = title;
    group.setAttribute("aria-label", title);
  }

  badge(key, text) {
    const badge = this.parts.get(key)?.badge;
    if (badge) badge.textContent = text;
  }

  wire(key, state) {
    for (const group of [this.groups.get(key), this.groups.get(`${key}l`)]) {
      if (!group) continue;
      group.classList.remove("live", "dead");
      if (state) group.classList.add(state);
    }
  }

  choose(key) {
    this.groups.get(this.chosen)?.classList.remove("chosen");
    this.groups.get(key)?.classList.add("chosen");
    this.chosen = key;
  }

  stops(keys) {
    for (const key of this.parts.keys()) {
      const group = this.groups.get(key), on = keys.has(key);
      if (on && !group.querySelector(":scope > .stop")) this.dot(group);
      group.classList.toggle("brk", on);
    }
  }

  dot(group) {
    const box = group.querySelector(":scope > .card, :scope > .frame"), mark = document.createElementNS(SVG, "circle");
    const at = (name) => parseFloat(box?.getAttribute(name) || 0) + 2;
    for (const [name, value] of [["class", "stop"], ["r", 5], ["cx", at("x")], ["cy", at("y")]]) mark.setAttribute(name, value);
    group.append(mark);
  }
}

