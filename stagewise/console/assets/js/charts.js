// Stacked bars by day, drawn from the table that stands in the page: who sees no chart reads the table.
//
// <div class="plot" data-plot><div class="plot-table"><table>…</table></div></div>: columns with data-series are the
// series, rows begin with a data-day, cells have their data-value. A column's colour is its class's --hue.
import uPlot from "uplot";

import { each } from "./each.js";
import "./first.js";

const HEIGHT = 240;
const FONT = '12px "Inter Variable", system-ui, sans-serif';
const number = new Intl.NumberFormat(document.documentElement.lang || "en");
const dark = matchMedia("(prefers-color-scheme: dark)");

function color(element, name) {
  return getComputedStyle(element).getPropertyValue(name).trim();
}

function read(table) {
  const heads = [...table.querySelectorAll("[data-series]")];
  const rows = [...table.querySelectorAll("tbody tr")].reverse();
  const days = rows.map((row) => row.querySelector("[data-day]"));
  const values = rows.map((row) => [...row.querySelectorAll("[data-value]")].map((cell) => Number(cell.dataset.value)));
  return {
    days,
    names: heads.map((head) => head.textContent.trim()),
    hues: heads.map((head) => () => color(head, "--hue") || color(table, "--edge")),
    values,
    // Each bar reaches from the ground to the top of its own part; the tallest are drawn first, so that all are seen.
    stacks: heads.map((_head, of) => values.map((row) => row.slice(0, of + 1).reduce((sum, value) => sum + value, 0))),
  };
}

function axis(plot, more) {
  return {
    stroke: () => color(plot, "--grey"),
    font: FONT,
    ticks: { show: false },
    grid: { stroke: () => color(plot, "--line"), width: 1 },
    ...more,
  };
}

function wholeOnly(_plot, splits) {
  return splits.map((value) => (Number.isInteger(value) ? number.format(value) : ""));
}

function options(plot, data, width, tip) {
  const labels = data.days.map((day) => day.textContent.trim());
  const bars = uPlot.paths.bars({ size: [0.72, 48], radius: [0.08, 0] });
  const series = data.names.map((label, of) => ({ label, fill: data.hues[of], stroke: data.hues[of], width: 0, paths: bars, points: { show: false } }));
  return {
    width,
    height: HEIGHT,
    padding: [12, 24, 0, 0],
    legend: { show: false },
    cursor: { y: false, x: false, drag: { x: false, y: false }, points: { show: false } },
    scales: { x: { time: false, range: [-0.6, data.days.length - 0.4] }, y: { range: (_plot, _min, max) => [0, Math.max(4, max * 1.05)] } },
    axes: [
      axis(plot, {
        grid: { show: false },
        size: 28,
        space: 80,
        incrs: [1, 2, 4, 7, 14],
        values: (_plot, splits) => splits.map((place) => labels[place] ?? ""),
      }),
      axis(plot, { size: 48, values: wholeOnly }),
    ],
    series: [{}, ...series.reverse()],
    hooks: { setCursor: [(chart) => point(chart, data, tip)] },
  };
}

function point(chart, data, tip) {
  const { idx, left } = chart.cursor;
  const lines = idx === null || idx === undefined || left < 0 ? null : data.values[idx];
  tip.hidden = !lines;
  if (!lines) {
    return;
  }
  tip.replaceChildren(line("strong", data.days[idx].textContent.trim()));
  lines.forEach((value, of) => {
    if (value) {
      tip.append(line("span", `${data.names[of]} ${number.format(value)}`));
    }
  });
  if (!lines.some(Boolean)) {
    tip.append(line("span", number.format(0)));
  }
  const middle = chart.valToPos(idx, "x") + chart.over.offsetLeft;
  const width = tip.offsetWidth;
  tip.style.left = `${Math.min(Math.max(0, middle - width / 2), chart.width - width)}px`;
}

function line(kind, text) {
  const element = document.createElement(kind);
  element.textContent = text;
  return element;
}

function draw(plot) {
  const table = plot.querySelector("table");
  const data = read(table);
  const place = document.createElement("div");
  place.className = "plot-canvas";
  place.setAttribute("aria-hidden", "true");
  const tip = document.createElement("p");
  tip.className = "plot-tip";
  tip.hidden = true;
  place.append(tip);
  plot.prepend(place);
  plot.classList.add("drawn");
  reachable(plot, false);
  const columns = data.days.map((_day, at) => at);
  const chart = new uPlot(options(plot, data, place.clientWidth, tip), [columns, ...[...data.stacks].reverse()], place);
  const sized = new ResizeObserver(() => {
    if (!place.isConnected) {
      sized.disconnect();
      chart.destroy();
    } else if (place.clientWidth && place.clientWidth !== chart.width) {
      chart.setSize({ width: place.clientWidth, height: HEIGHT });
    }
  });
  sized.observe(place);
  return chart;
}

/** The table is for the eyes only while it is shown; screen readers have it always. */
function reachable(plot, shown) {
  plot.querySelector(".plot-table").tabIndex = shown ? 0 : -1;
}

const charts = new Map();

function redraw() {
  for (const [plot, chart] of charts) {
    if (plot.isConnected) {
      chart.redraw(false);
    } else {
      charts.delete(plot);
    }
  }
}

each("[data-plot]", (plot) => charts.set(plot, draw(plot)));
dark.addEventListener("change", redraw);
new MutationObserver(redraw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });

each("[data-plot-switch]", (button) => {
  const plot = document.getElementById(button.dataset.plotSwitch);
  if (!plot) {
    return;
  }
  button.hidden = false;
  button.addEventListener("click", () => {
    const asTable = plot.classList.toggle("as-table");
    button.setAttribute("aria-pressed", String(asTable));
    reachable(plot, asTable);
  });
});
