// Draws the charts of a page anew, with tooltips. Without this script their pictures stay.

const contents = document.querySelector("details.contents");
const isWide = matchMedia("(min-width: 60rem)");
const openWhereThereIsRoom = () => contents.open = isWide.matches;
isWide.addEventListener("change", openWhereThereIsRoom);
openWhereThereIsRoom();

const tooltip = document.createElement("div");
tooltip.className = "tooltip";
tooltip.hidden = true;
document.body.append(tooltip);

// DejaVu Sans is not on every machine; Verdana is nearly as wide.
const FONT = "'DejaVu Sans', Verdana, sans-serif";

for (const figure of document.querySelectorAll("figure.chart")) {
  draw(figure).catch((error) => console.error("Cannot draw a chart", error));
}

async function draw(figure) {
  const text = figure.querySelector("script").textContent;
  const spec = JSON.parse(text.replaceAll("DejaVu Sans", FONT));
  const { mark, ...config } = spec.config ?? {};
  // The specification may be of version 5, as notebooks mark it, and is drawn by version 6.
  const { $schema: _, ...chart } = spec;
  const compiled = vegaLite.compile(
    { ...chart, config: { ...config, mark: { tooltip: true, ...mark } } },
    { logger: vega.logger(vega.Error) },
  );
  const view = new vega.View(vega.parse(compiled.spec), { renderer: "svg", tooltip: showTooltip });
  const place = document.createElement("div");
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", figure.querySelector("img")?.alt ?? "");
  await view.initialize(place).runAsync();
  // The picture goes only when the chart is there.
  figure.querySelector("img")?.remove();
  figure.prepend(place);
}

function showTooltip(_handler, event, _item, value) {
  tooltip.hidden = value === null || value === undefined || value === "";
  if (tooltip.hidden) return;
  // Names that start with "_" are fields that vega-lite makes for itself, to sort.
  const rows = typeof value === "object"
    ? Object.entries(value).filter(([name]) => !name.startsWith("_"))
    : [["", value]];
  tooltip.replaceChildren(...rows.map(([name, shown]) => {
    const row = document.createElement("div");
    const label = document.createElement("span");
    label.textContent = name;
    row.append(label, ` ${shown}`);
    return row;
  }));
  const { innerWidth, innerHeight } = globalThis;
  const { offsetWidth, offsetHeight } = tooltip;
  tooltip.style.left = `${
    Math.max(0, Math.min(event.clientX + 12, innerWidth - offsetWidth - 4))
  }px`;
  const below = event.clientY + 12;
  const top = below + offsetHeight > innerHeight ? event.clientY - offsetHeight - 8 : below;
  tooltip.style.top = `${Math.max(0, top)}px`;
}
