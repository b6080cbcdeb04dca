// The nodes as a table that can be searched, with a count for every phase. Rows are kept and changed in place.

const ROWS = 300; // nodes in the table
const PAUSE = 400; // milliseconds between two looks at all nodes

class NodeTable {
  constructor(known, look) {
    this.known = known; this.look = look; this.lines = new Map();
    this.element = make("div", "nbflow-list");
    this.element.setAttribute("role", "region");
    this.element.setAttribute("aria-label", "nodes as a table");
    const top = this.element.appendChild(make("div", "find"));
    this.find = top.appendChild(make("input"));
    this.find.placeholder = "find: a name, a kind, a phase";
    this.find.setAttribute("aria-label", "find nodes");
    this.find.oninput = () => this.rows();
    this.find.keyed = (event) => {
      if (event.key !== "Escape" || !this.find.value) return false;
      this.find.value = "";
      this.rows();
      return true;
    };
    this.chips = top.appendChild(make("div", "chips"));
    const scroll = this.element.appendChild(make("div", "rows")), table = scroll.appendChild(make("table"));
    const head = table.appendChild(make("thead")).appendChild(make("tr"));
    for (const title of ["node", "kind", "phase", "took", ""]) head.append(make("th", "", title));
    this.body = table.appendChild(make("tbody"));
    this.more = this.element.appendChild(make("div", "more"));
    this.rows();
  }

  soon() { this.timer ??= setTimeout(() => { this.timer = null; this.rows(); }, PAUSE); }

  close() { clearTimeout(this.timer); this.element.remove(); }

  rows() {
    const wanted = this.find.value.toLowerCase().split(/\s+/).filter(Boolean), counts = {}, found = [];
    for (const [key, seen] of this.known) {
      counts[seen.phase] = (counts[seen.phase] || 0) + 1;
      const words = seen.title.toLowerCase();
      if (wanted.every((word) => words.includes(word))) found.push([key, seen]);
    }
    const shown = found.slice(0, ROWS).map(([key, seen]) => this.line(key, seen));
    if (shown.length !== this.body.children.length || shown.some((line, at) => this.body.children[at] !== line)) {
      const focus = document.activeElement;
      this.body.replaceChildren(...shown);
      if (focus !== document.activeElement && this.body.contains(focus)) focus.focus();
    }
    this.more.textContent = found.length > ROWS ? `and ${found.length - ROWS} more` : `${found.length} of ${this.known.size}`;
    this.count(counts);
  }

  line(key, seen) {
    let line = this.lines.get(key);
    if (!line) {
      line = make("tr");
      const name = seen.title.split(" · ", 1)[0];
      line.appendChild(make("td")).append(press(name, () => this.look(key)));
      line.append(make("td"), make("td"), make("td"), make("td"));
      this.lines.set(key, line);
    }
    if (line.seen !== seen) {
      line.seen = seen;
      const [, kind, , ...rest] = seen.title.split(" · ");
      const [, kinds, phase, took, says] = line.children;
      kinds.textContent = kind || "";
      phase.className = `q-${seen.phase}`;
      phase.textContent = seen.phase;
      took.textContent = seen.badge;
      says.textContent = rest.join(" · ");
    }
    return line;
  }

  count(counts) {
    const shape = JSON.stringify(counts);
    if (shape === this.shape) return;
    this.shape = shape;
    const all = Object.entries(counts).sort((a, b) => b[1] - a[1]);
    this.chips.replaceChildren(...all.map(([phase, count]) => press(`${count} ${phase}`, () => {
      this.find.value = this.find.value.trim() === phase ? "" : phase;
      this.rows();
    }, { name: `q-${phase}`, title: `only ${phase}` })));
  }
}

