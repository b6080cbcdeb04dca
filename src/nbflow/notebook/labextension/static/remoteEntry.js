// YAML colours in cells that begin with %%workflow. Written by hand: there is nothing to build, and nothing but the
// cell's mime type is touched. JupyterLab loads this as a prebuilt extension and hands over its shared modules.
(() => {
  const YAML = "text/x-yaml";
  const OURS = /^\s*%%workflow\b/;

  const colour = (cell, panel) => {
    if (cell.model.type !== "code") return;
    const wanted = OURS.test(cell.model.sharedModel.getSource());
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

  const open = (panel) => {
    const seen = new WeakSet();
    const all = () => panel.content.widgets.forEach((cell) => follow(cell, panel, seen));
    panel.context.ready.then(() => {
      all();
      panel.content.model?.cells.changed.connect(() => setTimeout(all, 0)); // the new cell's widget comes after the change
    });
  };

  const plugin = (INotebookTracker) => ({
    id: "nbflow:yaml",
    description: "YAML colours in %%workflow cells",
    autoStart: true,
    requires: [INotebookTracker],
    activate: (app, tracker) => {
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
