// Draws the pictures of a report in the colours of the page's scheme, and again when it changes.
"use strict";
let drawn = {};

function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue("--" + name).trim();
}

function coloured(value, of) {
  if (typeof value === "string") return value[0] === "@" ? of(value.slice(1)) : value;
  if (Array.isArray(value)) return value.map((each) => coloured(each, of));
  if (value && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, coloured(v, of)]));
  return value;
}

function dressed(figure) {
  const of = colours();
  const result = coloured(figure, of);
  const layout = result.layout;
  const narrow = window.innerWidth < 480;
  layout.font = { family: getComputedStyle(document.body).fontFamily, size: narrow ? 11 : 12,
    color: of("ink") };
  layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
  layout.hoverlabel = { bgcolor: of("card"), bordercolor: of("line"), font: { color: of("ink") } };
  layout.autosize = true;
  for (const name of ["xaxis", "yaxis"]) {
    const axis = (layout[name] = layout[name] || {});
    axis.gridcolor = of("line");
    axis.linecolor = of("line");
    axis.tickfont = { color: of("soft") };
    axis.fixedrange = true;
    if (axis.title) axis.title = { ...axis.title, standoff: 8, font: { size: 11, color: of("soft") } };
    if (!axis.nticks && axis.type !== "category") axis.nticks = name === "xaxis" ? (narrow ? 4 : 7) : 6;
  }
  if (layout.xaxis.showgrid === undefined) layout.xaxis.showgrid = false;
  return result;
}

function draw(name, figure) {
  const place = document.getElementById("picture-" + name);
  if (!place) return;
  const { data, layout } = dressed(figure);
  Plotly.react(place, data, layout, { displayModeBar: false, responsive: true });
}

function drawAll(figures) {
  drawn = figures;
  for (const [name, figure] of Object.entries(figures)) draw(name, figure);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(drawn));
matchMedia("(max-width: 479px)").addEventListener("change", () => drawAll(drawn));
