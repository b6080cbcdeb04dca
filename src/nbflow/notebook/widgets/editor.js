// A JSON editor: what is typed is checked at once, what would change is shown as a diff, and nothing happens before Apply.
// What is sent is the text as it was typed, so that no number loses a digit on its way.

const CONTEXT = 2; // lines around a change
const MANY = 40000; // pairs of lines that are compared

// Numbers as they are written, where the browser can tell: its own have but 53 bits.
const exact = (key, value, context) => (typeof value === "number" && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value);
const tidy = (text) => JSON.stringify(JSON.parse(text, exact), null, 2);

// The lines that go and come: [sign, line], with " " for those that stay.
const difference = (before, after) => {
  const a = before.split("\n"), b = after.split("\n");
  let start = 0, end = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const same = (lines) => lines.map((line) => [" ", line]);
  const left = a.slice(start, a.length - end), right = b.slice(start, b.length - end);
  return [
    ...same(a.slice(Math.max(0, start - CONTEXT), start)),
    ...changed(left, right),
    ...same(a.slice(a.length - end, a.length - end + CONTEXT)),
  ];
};

const changed = (left, right) => {
  const gone = left.map((line) => ["−", line]), come = right.map((line) => ["+", line]);
  if (left.length * right.length > MANY) return [...gone, ...come];
  const longest = Array.from({ length: left.length + 1 }, () => new Array(right.length + 1).fill(0));
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      longest[i][j] = left[i] === right[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const lines = [];
  let i = 0, j = 0;
  while (i < left.length && j < right.length) {
    if (left[i] === right[j]) { lines.push([" ", left[i]]); i += 1; j += 1; }
    else if (longest[i + 1][j] >= longest[i][j + 1]) { lines.push(gone[i]); i += 1; }
    else { lines.push(come[j]); j += 1; }
  }
  return [...lines, ...gone.slice(i), ...come.slice(j)];
};

class Editor {
  // `drafts` keeps what is typed while the page around it is drawn anew; `apply` gets the text.
  constructor(block, name, drafts, apply) {
    this.block = block; this.name = name; this.drafts = drafts; this.apply = apply;
    this.free = block.edit.cmd === "skip" || block.edit.cmd === "mock"; // may be given as it stands
    this.element = make("div", "editor");
    this.area = this.element.appendChild(make("textarea"));
    this.area.value = drafts.get(name) ?? block.text;
    this.area.rows = Math.min(14, Math.max(3, this.area.value.split("\n").length));
    this.area.spellcheck = false;
    this.area.setAttribute("aria-label", block.title);
    this.area.oninput = () => { drafts.set(name, this.area.value); this.check(); };
    this.area.keyed = (event) => this.key(event);
    this.diff = this.element.appendChild(make("pre", "diff"));
    const row = this.element.appendChild(make("div", "acts"));
    this.button = row.appendChild(make("button", this.free ? "" : "main", block.edit.label));
    this.button.dataset.cmd = block.edit.cmd;
    this.button.title = "Ctrl+Enter";
    this.button.onclick = () => this.go();
    this.others = (block.edit.also || []).map(([cmd, label]) => row.appendChild(press(label, () => this.go(cmd), { cmd })));
    this.undo = row.appendChild(make("button", "", "Undo"));
    this.undo.dataset.cmd = "undo";
    this.undo.title = "as it was";
    this.undo.onclick = () => { this.forget(); this.area.focus(); };
    this.says = row.appendChild(make("span", "says"));
    this.check();
  }

  key(event) {
    const applies = event.key === "Enter" && (event.ctrlKey || event.metaKey);
    if (applies) { event.preventDefault(); this.go(); }
    if (event.key === "Escape") this.area.blur();
    return applies || event.key === "Escape";
  }

  check() {
    let wanted = null, problem = "";
    try { wanted = tidy(this.area.value); } catch (error) { problem = `not JSON: ${error.message}`; }
    const lines = wanted === null || this.free ? [] : difference(tidy(this.block.text), wanted);
    const differs = lines.some(([sign]) => sign !== " ");
    this.diff.hidden = !differs;
    this.diff.replaceChildren(...(differs ? lines : []).map(([sign, line]) => make("div", { "+": "come", "−": "gone" }[sign] || "", `${sign} ${line}`)));
    this.button.disabled = wanted === null || !(differs || this.free);
    for (const other of this.others) other.disabled = this.button.disabled;
    this.undo.hidden = this.area.value === this.block.text;
    this.says.textContent = problem;
    this.area.classList.toggle("bad", Boolean(problem));
    this.area.setAttribute("aria-invalid", String(Boolean(problem)));
  }

  forget() {
    this.drafts.delete(this.name);
    this.area.value = this.block.text;
    this.check();
  }

  go(cmd = this.block.edit.cmd) {
    if (this.button.disabled) return;
    const text = this.area.value;
    this.area.blur();
    this.apply(cmd, text, this.name);
  }
}

