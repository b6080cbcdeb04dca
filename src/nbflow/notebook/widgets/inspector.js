// What is known of one node, and what can be done with it. The page comes from Python as data; all of it is text.

const NUMBERS = {
  number: [/^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i, "a number"],
  integer: [/^-?(0|[1-9]\d*)$/, "a whole number"],
};

class Inspector {
  constructor(view) {
    this.view = view;
    this.page = null; this.shown = ""; this.late = null; this.asked = "";
    this.drafts = new Map(); // editor → what is typed and not applied
    this.element = make("div", "nbflow-side");
    this.element.hidden = true;
    this.element.setAttribute("role", "region");
    this.element.setAttribute("aria-label", "node");
    this.element.addEventListener("focusout", () => setTimeout(() => { if (this.late && !this.busy()) this.show(this.late); }, 0));
  }

  get open() { return !this.element.hidden; }

  busy() {
    const focus = document.activeElement;
    return this.element.contains(focus) && /INPUT|TEXTAREA|SELECT/.test(focus.tagName) && focus.type !== "checkbox";
  }

  shut() {
    this.element.hidden = true;
    this.page = this.late = null;
    this.shown = "";
  }

  show(page) {
    const same = this.page?.path === page.path && this.open;
    if (same && this.busy()) { this.late = page; return; }
    this.late = null;
    const shape = JSON.stringify(page) + this.view.stopped(page.key);
    if (same && shape === this.shown) return;
    this.shown = shape;
    const scroll = same ? this.element.scrollTop : 0, focus = same ? this.focused() : null;
    if (!same) this.asked = "";
    this.page = page;
    this.element.hidden = false;
    this.element.setAttribute("aria-label", `node ${page.title}, ${page.phase}`);
    this.element.replaceChildren(...this.parts(page));
    this.element.scrollTop = scroll;
    if (focus) this.element.querySelector(focus)?.focus();
  }

  focused() {
    const focus = document.activeElement;
    if (!this.element.contains(focus)) return null;
    return focus.dataset.cmd ? `[data-cmd="${CSS.escape(focus.dataset.cmd)}"]` : null;
  }

  parts(page) {
    const head = make("header"), badge = make("span", `nbflow-phase q-${page.phase}`);
    badge.append(sign(this.view.signs[page.phase]), document.createTextNode(page.phase));
    head.append(make("strong", "", page.title), badge, press("×", () => this.view.shut(), { says: "close the inspector", cmd: "unlook" }));
    const first = make("section"), parts = [head, first];
    if ((page.paths || []).length > 1) first.append(this.instances(page));
    if (page.form) first.append(this.form(page));
    const list = first.appendChild(make("dl"));
    for (const [name, value] of page.facts || []) list.append(make("dt", "", name), make("dd", "", value));
    if ((page.acts || []).length) first.append(this.acts(page));
    for (const block of page.blocks || []) {
      const part = make("section");
      part.append(make("h4", "", block.title), this.block(block, page));
      parts.push(part);
    }
    if (page.evaluates) parts.push(this.evaluator(page));
    return parts;
  }

  instances(page) {
    const select = make("select");
    select.setAttribute("aria-label", "which round or item");
    for (const [path, words] of page.paths) {
      const option = select.appendChild(make("option", "", words));
      option.value = path;
      option.selected = path === page.path;
    }
    select.onchange = () => { const path = select.value; select.blur(); this.view.look(page.key, path); };
    return select;
  }

  acts(page) {
    const row = make("div", "acts");
    for (const [cmd, label, title] of page.acts) {
      const button = row.appendChild(press(label, () => this.view.send({ cmd, key: page.key, path: page.path }), { title, cmd }));
      if (cmd === "break") button.setAttribute("aria-pressed", String(this.view.stopped(page.key)));
    }
    return row;
  }

  block(block, page) {
    if (block.image) {
      const image = make("img");
      image.src = block.image;
      image.alt = block.title;
      return image;
    }
    if (block.table) return this.table(block.table);
    if (!block.edit) return make("pre", block.bad ? "bad" : "", block.text);
    const apply = (cmd, json, name) => {
      if (cmd === "fork") { this.view.send({ cmd, edits: this.edits(json) }); return; }
      this.applied = name;
      this.view.send({ cmd, key: page.key, path: page.path, json });
    };
    return new Editor(block, `${page.path} ${block.edit.cmd}`, this.drafts, apply).element;
  }

  // What a fork changes: the inputs as they are typed, as text.
  edits(json = this.drafts.get(" fork")) { return json === undefined ? undefined : `{"": {"inputs": ${json}}}`; }

  // What was applied is no draft any more; what was refused stays as it was typed.
  heard(bad) {
    if (this.applied && !bad) { this.drafts.delete(this.applied); this.shown = ""; }
    this.applied = null;
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

  evaluator(page) {
    const whole = make("section"), row = whole.appendChild(make("form", "nbflow-ask plain")), input = row.appendChild(make("input"));
    input.placeholder = "expression to watch";
    input.setAttribute("aria-label", "expression");
    input.value = this.asked;
    input.oninput = () => { this.asked = input.value; };
    input.keyed = (event) => { if (event.key === "Escape") input.blur(); return event.key === "Escape"; };
    const button = row.appendChild(make("button", "", "Watch"));
    button.type = "submit";
    button.dataset.cmd = "watch";
    row.onsubmit = (event) => {
      event.preventDefault();
      const text = input.value.trim();
      this.asked = input.value = "";
      input.blur();
      if (text) this.view.send({ cmd: "watch", path: page.path, text });
    };
    for (const [text, value, bad] of page.watched || []) {
      const line = whole.appendChild(make("div", "watched"));
      line.append(make("code", "", text), make("span", bad ? "bad" : "", bad ? value : `= ${value}`));
      line.append(press("×", () => this.view.send({ cmd: "unwatch", text }), { says: `no longer watch ${text}` }));
    }
    return whole;
  }

  // --- questions ------------------------------------------------------------------------------------------

  form(page) {
    const form = make("form"), fields = [];
    form.append(make("div", "prompt", page.form.prompt));
    for (const field of page.form.fields) {
      const label = form.appendChild(make("label", field.type === "boolean" && !field.options ? "tick" : ""));
      const input = this.field(field);
      label.append(make("span", "", field.label), input);
      input.setAttribute("aria-label", field.label);
      const draft = `${page.path} answer ${field.name}`;
      if (this.drafts.has(draft)) input[input.type === "checkbox" ? "checked" : "value"] = this.drafts.get(draft);
      input.oninput = () => this.drafts.set(draft, input.type === "checkbox" ? input.checked : input.value);
      fields.push([field, input]);
    }
    const send = form.appendChild(make("div", "acts")).appendChild(make("button", "main", "Answer"));
    send.type = "submit";
    send.dataset.cmd = "answer";
    form.onsubmit = (event) => {
      event.preventDefault();
      try {
        const values = fields.map(([field, input]) => [JSON.stringify(field.name), this.read(field, input)]);
        const given = values.filter(([, text]) => text !== undefined).map(([name, text]) => `${name}: ${text}`);
        const json = page.form.single ? values[0][1] ?? "null" : `{${given.join(", ")}}`;
        document.activeElement?.blur();
        this.view.send({ cmd: "answer", key: page.key, path: page.path, json });
      } catch (problem) { this.view.take({ n: { text: problem.message, bad: true } }); }
    };
    return form;
  }

  field(field) {
    if (field.options) {
      const select = make("select");
      if (!field.required) select.appendChild(make("option", "", "—")).value = "";
      for (const [words, json] of field.options) select.appendChild(make("option", "", words)).value = json;
      if (field.options.some(([, json]) => json === field.given)) select.value = field.given;
      return select;
    }
    if (field.type === "json") {
      const area = make("textarea");
      area.rows = 2;
      area.placeholder = "JSON";
      area.value = field.given;
      return area;
    }
    const input = make("input");
    input.type = field.type === "boolean" ? "checkbox" : "text"; // an input of numbers would round what is typed
    if (field.type === "boolean") input.checked = field.given === "true";
    else input.value = field.given;
    if (NUMBERS[field.type]) input.inputMode = field.type === "integer" ? "numeric" : "decimal";
    return input;
  }

  // What was typed as JSON, or undefined; never read as a number here, since the browser's have but 53 bits.
  read(field, input) {
    const text = input.value.trim(), number = NUMBERS[field.type];
    if (field.type === "boolean" && !field.options) return String(input.checked);
    if (input.value === "" && !field.required) return undefined;
    if (field.options) return input.value;
    if (field.type === "string") return JSON.stringify(input.value);
    if (number && !number[0].test(text)) throw new Error(`${field.label} must be ${number[1]}`);
    if (!number) try { JSON.parse(text); } catch (problem) { throw new Error(`${field.label}: not JSON (${problem.message})`); }
    return text;
  }
}

