// The live view. Python decides what is shown; this code draws it and sends back what a person does.
// Every control is a custom message: in an awaiting cell a second change of a trait would never arrive.
// What nodes, models and people wrote is set as text (textContent), never as markup.
// The files are read one after the other as a single module; there is nothing to build.

const SVG = "http://www.w3.org/2000/svg";

const make = (tag, name = "", text = "") => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
};

const press = (label, act, { name = "", title = "", cmd = "", says = "" } = {}) => {
  const button = make("button", name, label);
  button.type = "button";
  if (title) button.title = title;
  if (cmd) button.dataset.cmd = cmd;
  if (says) button.setAttribute("aria-label", says);
  button.onclick = act;
  return button;
};

const sign = (path) => {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const disc = svg.appendChild(document.createElementNS(SVG, "circle"));
  for (const [name, value] of [["class", "disc"], ["cx", 8], ["cy", 8], ["r", 6.6]]) disc.setAttribute(name, value);
  const line = svg.appendChild(document.createElementNS(SVG, "path"));
  line.setAttribute("class", "sign");
  line.setAttribute("d", path || "");
  return svg;
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

