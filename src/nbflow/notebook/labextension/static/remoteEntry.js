// YAML colours in cells that begin with %%workflow, a key to run such a cell again with all that did not change kept, and
// word for live views that their kernel is gone. Written by hand: there is nothing to build, and nothing of the cell but its
// mime type and a class is touched.
// JupyterLab loads this as a prebuilt extension and hands over its shared modules.
(() => {
  const YAML = "text/x-yaml";
  const ENDED = ["restarting", "autorestarting", "terminating", "dead"]; // of a kernel
  const OURS = /^\s*%%workflow\b/;

  const colour = (cell, panel) => {
    if (cell.model.type !== "code") return;
    const wanted = OURS.test(cell.model.sharedModel.getSource());
    cell.node.classList.toggle("nbflow-cell", wanted);
    if (wanted && cell.model.mimeType !== YAML) cell.model.mimeType = YAML;
    else if (!wanted && cell.model.mimeType === YAML) cell.model.mimeType = panel.content.codeMimetype || "text/x-ipython";
  };

  const follow = (cell, panel, seen) => {
    if (!seen.has(cell)) {
      seen.add(cell);
      cell.model.contentChanged.connect(() => colour(cell, panel));
      cell.model.mimeTypeChanged.connect(() => colour(cell, panel)); // the kernel's language arrives late
    }
    colour(cell, panel);
  };

  // A live view whose kernel ends would go on looking alive.
  const lose = (panel) => panel.node.querySelectorAll(".nbflow").forEach((view) => view.dispatchEvent(new CustomEvent("nbflow-gone")));

  const open = (panel) => {
    const seen = new WeakSet();
    panel.sessionContext.statusChanged.connect((_, status) => { if (ENDED.includes(status)) lose(panel); });
    panel.sessionContext.kernelChanged.connect((_, { oldValue }) => { if (oldValue) lose(panel); });
    const all = () => panel.content.widgets.forEach((cell) => follow(cell, panel, seen));
    panel.context.ready.then(() => {
      all();
      panel.content.model?.cells.changed.connect(() => setTimeout(all, 0)); // the new cell's widget comes after the change
    });
  };

  // The kernel is told before it gets the cell; both go the same way, so they arrive in this order.
  const again = (app, tracker, id) => {
    const session = tracker.currentWidget?.sessionContext.session;
    if (!session?.kernel) return;
    session.kernel.requestExecute({ code: `%workflow again ${id}`, silent: true, store_history: false, stop_on_error: false });
    app.commands.execute("notebook:run-cell");
  };

  const listen = (app, tracker) => {
    app.commands.addCommand("nbflow:again", {
      label: "Run Workflow Again and Keep What Did Not Change",
      execute: () => again(app, tracker, ""),
    });
    app.commands.addKeyBinding({ command: "nbflow:again", keys: ["Alt Shift Enter"], selector: ".jp-Notebook .nbflow-cell.jp-mod-active" });
    document.addEventListener("nbflow-again", (event) => {
      const book = tracker.currentWidget?.content;
      const place = book ? book.widgets.findIndex((cell) => cell.node.contains(event.target)) : -1;
      if (place < 0) return;
      event.preventDefault();
      book.activeCellIndex = place;
      again(app, tracker, event.detail || "");
    });
  };

  const plugin = (INotebookTracker) => ({
    id: "nbflow:yaml",
    description: "YAML colours in %%workflow cells, and a key to run them again",
    autoStart: true,
    requires: [INotebookTracker],
    activate: (app, tracker) => {
      listen(app, tracker);
      tracker.forEach(open);
      tracker.widgetAdded.connect((_, panel) => open(panel));
    },
  });

  let scope = {};
  const shared = async (name) => {
    const versions = scope[name];
    const entry = versions[Object.keys(versions)[0]];
    return (await entry.get())();
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB.nbflow = {
    init: (given) => { scope = given; },
    get: async () => {
      const { INotebookTracker } = await shared("@jupyterlab/notebook");
      return () => ({ __esModule: true, default: plugin(INotebookTracker) });
    },
  };
})();
