// Draws each chart from the JSON beside it, in the ink of the page, light or dark.
const dark = matchMedia("(prefers-color-scheme: dark)");

function draw() {
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--ink").trim();
  const line = style.getPropertyValue("--line").trim();
  for (const place of document.querySelectorAll(".chart")) {
    const figure = JSON.parse(place.nextElementSibling.textContent);
    const axis = { gridcolor: line, zerolinecolor: line, linecolor: line };
    const layout = {
      ...figure.layout,
      template: {},
      font: { color: ink, family: "system-ui, sans-serif", size: 12 },
      xaxis: { ...figure.layout.xaxis, ...axis },
      yaxis: { ...figure.layout.yaxis, ...axis },
    };
    Plotly.react(place, figure.data, layout, { responsive: true, displayModeBar: false });
  }
}

draw();
dark.addEventListener("change", draw);
