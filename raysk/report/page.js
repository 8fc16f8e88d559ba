"use strict";
// unpack Plotly -> draw the figures in the page's colours, one by one -> again when these change; parallel coordinates
(() => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const say = (text) => {
    const notice = document.getElementById("notice");
    notice.textContent = text;
    notice.hidden = false;
  };

  // --- Plotly ---------------------------------------------------------------------------------

  async function loadPlotly() {
    const packed = document.getElementById("plotly");
    const text = atob(packed.textContent);
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
    packed.remove();
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(unpacked).text();
    document.head.append(script);
    if (!window.Plotly) throw new Error("Plotly did not start");
  }

  // Figures name the page's colours: {"color": "--accent"}
  function painted(node, key) {
    if (Array.isArray(node)) return node;
    if (node && typeof node === "object") {
      return Object.fromEntries(Object.entries(node).map(([name, each]) => [name, painted(each, name)]));
    }
    return key === "color" && typeof node === "string" && node.startsWith("--") ? colour(node) : node;
  }

  function layoutOf(layout) {
    const axis = {
      automargin: true, gridcolor: colour("--grid"), linecolor: colour("--rule"), zeroline: false, ticks: "",
      title: { standoff: 8 },
    };
    const drawn = painted(layout);
    const names = ["xaxis", "yaxis", ...Object.keys(drawn).filter((name) => /^[xy]axis\d/.test(name))];
    const axes = Object.fromEntries(names.map((name) => {
      const own = drawn[name] || {};
      return [name, { ...axis, ...own, title: { ...axis.title, ...own.title } }];
    }));
    return {
      autosize: true, margin: { l: 56, r: 12, t: 30, b: 44 }, hovermode: "closest",
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("--quiet") },
      hoverlabel: { bgcolor: colour("--surface"), bordercolor: colour("--rule"), font: { color: colour("--text") } },
      legend: { orientation: "h", x: 0, y: 1, xanchor: "left", yanchor: "bottom", itemsizing: "constant" },
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      ...drawn, ...axes,
    };
  }

  // Panels side by side, as many as there is room for: one figure with axes of its own for each
  const PANEL = { width: 290, height: 240, left: 44, right: 10, top: 30 };

  function sideBySide({ panels, layout }, width) {
    const columns = Math.max(1, Math.min(panels.length, Math.floor(width / PANEL.width)));
    const rows = [];
    for (let at = 0; at < panels.length; at += columns) rows.push(panels.slice(at, at + columns));
    const rooms = rows.map((row) => Math.max(...row.map(({ room }) => room)));
    const heights = rooms.map((room) => PANEL.height - 28 + room);
    const height = heights.reduce((a, b) => a + b);
    const made = { ...layout, height, margin: { l: 0, r: 0, t: 0, b: 0 }, annotations: [] };
    const data = panels.flatMap((panel, number) => {
      const [column, row] = [number % columns, Math.floor(number / columns)];
      const [left, top] = [(column * width) / columns, heights.slice(0, row).reduce((a, b) => a + b, 0)];
      const axis = number ? String(number + 1) : "";
      const part = (pixels, of) => Math.min(1, Math.max(0, pixels / of));
      made[`xaxis${axis}`] = {
        ...panel.xaxis, anchor: `y${axis}`, automargin: false,
        domain: [part(left + PANEL.left, width), part(left + width / columns - PANEL.right, width)],
      };
      made[`yaxis${axis}`] = {
        ...panel.yaxis, anchor: `x${axis}`, automargin: false,
        domain: [1 - part(top + heights[row] - rooms[row], height), 1 - part(top + PANEL.top, height)],
      };
      made.annotations.push({
        text: `<b>${panel.title}</b>`, showarrow: false, xref: "paper", yref: "paper", xanchor: "left", yanchor: "top",
        x: part(left + 4, width), y: 1 - part(top + 4, height), font: { size: 14, color: "--text" },
      });
      return panel.data.map((trace) => ({ ...trace, xaxis: `x${axis}`, yaxis: `y${axis}` }));
    });
    return { data, layout: made };
  }

  const places = [...document.querySelectorAll("[data-figure]")];

  function draw(place) {
    const said = data.figures[place.dataset.figure];
    const figure = said.panels ? sideBySide(said, place.clientWidth) : said;
    place.style.height = `${figure.layout.height}px`;
    place.dataset.width = place.clientWidth;
    const traces = figure.data.map((trace) => painted(trace));
    return Plotly.react(place, traces, layoutOf(figure.layout), { responsive: !said.panels, displayModeBar: false });
  }

  // Where nothing else is to be done: text can be read, and scrolled, between two figures
  const idle = () => new Promise((done) => {
    if (window.requestIdleCallback) requestIdleCallback(done, { timeout: 200 });
    else setTimeout(done, 0);
  });

  const away = (place) => {
    const { top, bottom } = place.getBoundingClientRect();
    return Math.max(0, top - window.innerHeight, -bottom);
  };

  // The nearest to the screen first, wherever that is by then
  async function drawAll() {
    const waiting = new Set(places);
    while (waiting.size) {
      await idle();
      const place = [...waiting].reduce((a, b) => (away(b) < away(a) ? b : a));
      waiting.delete(place);
      await draw(place);
      place.dataset.drawn = "yes";
    }
  }

  // Paper has no later
  const drawForPrint = () => places.filter((place) => window.Plotly && !place.dataset.drawn).forEach(draw);

  // Plotly fits its figures to their width; panels are placed anew
  function placeAnew() {
    const panels = places.filter((place) => data.figures[place.dataset.figure].panels);
    const observer = new ResizeObserver((entries) => entries.forEach(({ target }) => {
      if (target.clientWidth !== Number(target.dataset.width)) draw(target);
    }));
    panels.forEach((place) => observer.observe(place));
  }

  // --- parallel coordinates -------------------------------------------------------------------

  const MOST_ROWS = 10;

  class Parallel {
    constructor(place, { columns, numbers, ranks }) {
      Object.assign(this, { place, columns, numbers, brushes: new Map() });
      this.scores = columns.at(-1).at;
      this.scales = columns.map(Parallel.scale);
      this.inOrder = numbers.map((_, row) => row).sort((a, b) => ranks[b] - ranks[a]);
      this.room = place.appendChild(document.createElement("div"));
      this.room.className = "room";
      this.canvas = this.room.appendChild(document.createElement("canvas"));
      this.svg = this.room.appendChild(this.element("svg", { role: "group", "aria-label": "Axes" }));
      document.getElementById("parallel-reset").addEventListener("click", () => this.clear());
      new ResizeObserver(() => this.layout()).observe(place);
      this.layout();
    }

    // Positions from 0, below, to 1 for each row; null where a candidate has no such parameter
    static scale({ at, categories, log }) {
      const to = (value) => (log ? Math.log10(value) : value);
      const known = at.filter((value) => value !== null).map(to);
      let low = categories ? -0.5 : known.reduce((a, b) => Math.min(a, b), Infinity);
      let high = categories ? categories.length - 0.5 : known.reduce((a, b) => Math.max(a, b), -Infinity);
      if (!(high > low)) [low, high] = [low - 0.5, low + 0.5];
      const place = (value) => (to(value) - low) / (high - low);
      const ticks = categories
        ? categories.map((name, number) => [place(number), name])
        : Parallel.ticks(low, high, log).map((value) => [(value - low) / (high - low), Parallel.text(log ? 10 ** value : value)]);
      const back = (part) => { const value = low + part * (high - low); return log ? 10 ** value : value; };
      return { at: at.map((value) => (value === null ? null : place(value))), ticks, back, categories };
    }

    static ticks(low, high, log) {
      let step = 10 ** Math.floor(Math.log10((high - low) / 3));
      for (const times of [2, 2.5, 2]) if ((high - low) / step > 6) step *= times;
      if (log && high - low >= 2) step = Math.max(1, Math.round(step));
      const found = [];
      for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-6; value += step) found.push(value);
      return found;
    }

    static text(value) {
      const size = Math.abs(value);
      const isShort = size === 0 || (size >= 1e-3 && size < 1e5);
      return isShort ? String(+value.toPrecision(4)) : value.toExponential(3).replace(/\.?0*e\+?/, "e");
    }

    element(name, attributes, text) {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      if (text !== undefined) made.textContent = text;
      return made;
    }

    layout() {
      const count = this.columns.length;
      const width = Math.max(this.place.clientWidth, 90 * count);
      if (width === this.width) return;
      const longest = Math.max(...this.scales[0].ticks.map(([, text]) => text.length));
      Object.assign(this, { width, height: 380, top: 44, bottom: 16, left: Math.max(40, 7.5 * longest + 14), right: 24 });
      for (const [key, value] of [["width", width], ["height", this.height]]) {
        this.svg.setAttribute(key, value);
        this.room.style[key] = `${value}px`;
        this.canvas.style[key] = `${value}px`;
      }
      const ratio = window.devicePixelRatio || 1;
      [this.canvas.width, this.canvas.height] = [width * ratio, this.height * ratio];
      this.canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
      this.axes();
      this.update();
    }

    x(number) {
      return this.left + (number * (this.width - this.left - this.right)) / Math.max(1, this.columns.length - 1);
    }

    y(part) {
      return this.top + (1 - part) * (this.height - this.top - this.bottom);
    }

    axes() {
      const [first, last] = [this.y(1), this.y(0)];
      const groups = this.columns.map((column, number) => {
        const x = this.x(number);
        const anchor = number === this.columns.length - 1 && number ? "end" : "middle";
        const group = this.element("g", { tabindex: 0, role: "group" });
        const name = column.short.length > 16 ? `${column.short.slice(0, 15)}…` : column.short;
        const title = this.element("text", { class: "name", x: anchor === "end" ? x + 20 : x, y: number % 2 ? 14 : 28, "text-anchor": anchor }, name);
        title.append(this.element("title", {}, column.name));
        group.append(title, this.element("line", { class: "line", x1: x, x2: x, y1: first, y2: last }));
        for (const [part, text] of this.scales[number].ticks) {
          group.append(
            this.element("line", { class: "line", x1: x - 4, x2: x, y1: this.y(part), y2: this.y(part) }),
            this.element("text", { x: x - 7, y: this.y(part) + 4, "text-anchor": "end" }, text),
          );
        }
        group.append(
          this.element("rect", { class: "brush", x: x - 8, width: 16, y: 0, height: 0, visibility: "hidden" }),
          this.element("rect", { class: "hit", x: x - 14, width: 28, y: first - 4, height: last - first + 8 }),
        );
        this.listen(group, number);
        return group;
      });
      this.svg.replaceChildren(...groups);
    }

    listen(group, number) {
      const hit = group.querySelector(".hit");
      const partAt = (event) => {
        const y = event.clientY - this.svg.getBoundingClientRect().top;
        return Math.min(1, Math.max(0, (this.y(0) - y) / (this.y(0) - this.y(1))));
      };
      let from = null;
      hit.addEventListener("pointerdown", (event) => {
        from = partAt(event);
        hit.setPointerCapture(event.pointerId);
      });
      hit.addEventListener("pointermove", (event) => {
        if (from === null) return;
        const to = partAt(event);
        if (Math.abs(to - from) > 0.01) this.brush(number, Math.min(from, to), Math.max(from, to));
      });
      hit.addEventListener("pointerup", (event) => {
        if (from !== null && Math.abs(partAt(event) - from) <= 0.01) this.brush(number, null);
        from = null;
      });
      hit.addEventListener("pointercancel", () => { from = null; });
      group.addEventListener("keydown", (event) => this.key(event, number));
    }

    // Arrow keys move a selection, with Shift its upper end; Escape takes it back
    key(event, number) {
      const step = { ArrowUp: 0.05, ArrowDown: -0.05 }[event.key];
      if (event.key === "Escape") this.brush(number, null);
      else if (step === undefined) return;
      else if (!this.brushes.has(number)) this.brush(number, 0.75, 1);
      else {
        const [low, high] = this.brushes.get(number);
        const by = event.shiftKey ? step : Math.min(1 - high, Math.max(-low, step));
        this.brush(number, event.shiftKey ? low : low + by, Math.min(1, Math.max(low + 0.05, high + by)));
      }
      event.preventDefault();
    }

    brush(number, low, high) {
      if (low === null) this.brushes.delete(number);
      else this.brushes.set(number, [low, high]);
      this.update();
    }

    clear() {
      this.brushes.clear();
      this.update();
    }

    isSelected(row) {
      for (const [number, [low, high]] of this.brushes) {
        const at = this.scales[number].at[row];
        if (at === null || at < low || at > high) return false;
      }
      return true;
    }

    update() {
      const selected = this.inOrder.filter((row) => this.isSelected(row));
      this.paint(new Set(selected));
      [...this.svg.children].forEach((group, number) => {
        const [rect, range] = [group.querySelector(".brush"), this.brushes.get(number)];
        rect.setAttribute("visibility", range ? "visible" : "hidden");
        if (range) {
          rect.setAttribute("y", this.y(range[1]));
          rect.setAttribute("height", this.y(range[0]) - this.y(range[1]));
        }
        group.setAttribute("aria-label", `${this.columns[number].name}: ${this.rangeText(number)}`);
      });
      this.tell(selected);
    }

    rangeText(number) {
      const range = this.brushes.get(number);
      if (!range) return "all values";
      const { categories, back } = this.scales[number];
      if (!categories) return `${Parallel.text(back(range[0]))} to ${Parallel.text(back(range[1]))}`;
      return categories.filter((_, at) => at >= back(range[0]) && at <= back(range[1])).join(", ") || "nothing";
    }

    paint(selected) {
      const context = this.canvas.getContext("2d");
      context.clearRect(0, 0, this.width, this.height);
      const [faint, strong] = [colour("--grid"), colour("--accent")];
      const count = this.inOrder.length;
      const layers = [[(row) => !selected.has(row), faint, 0.5], [(row) => selected.has(row), strong, 1]];
      for (const [belongs, stroke, most] of layers) {
        context.strokeStyle = stroke;
        this.inOrder.forEach((row, rank) => {
          if (!belongs(row)) return;
          // the best lines are the strongest, and drawn last
          const part = count > 1 ? rank / (count - 1) : 1;
          const crowd = Math.min(1, 60 / Math.max(1, selected.size));
          context.globalAlpha = stroke === faint ? most : Math.max(0.03, part ** 4) * (part > 0.98 ? 1 : Math.max(0.25, crowd));
          context.lineWidth = stroke === strong && rank === count - 1 ? 2.5 : 1;
          context.beginPath();
          let isDown = false;
          this.scales.forEach(({ at }, number) => {
            if (at[row] === null) { isDown = false; return; }
            context[isDown ? "lineTo" : "moveTo"](this.x(number), this.y(at[row]));
            isDown = true;
          });
          context.stroke();
        });
      }
      context.globalAlpha = 1;
    }

    // What is selected, in words and as a table: the drawing is not the only way to see it
    tell(selected) {
      const best = selected.slice(-MOST_ROWS).reverse();
      const of = this.numbers.length;
      const words = [...this.brushes.keys()].map((number) => `${this.columns[number].short}: ${this.rangeText(number)}`);
      document.getElementById("parallel-said").textContent = words.length
        ? `${selected.length} of ${of} candidates have ${words.join("; ")}.`
        : `All ${of} candidates. Drag along an axis to select, click on it to take that back.`;
      document.getElementById("parallel-rows").replaceChildren(...best.map((row) => {
        const line = document.createElement("tr");
        const cells = [String(this.numbers[row]), ...this.columns.map(({ at, categories }) => {
          if (at[row] === null) return "–";
          return categories ? categories[at[row]] : Parallel.text(at[row]);
        })];
        for (const text of cells) line.appendChild(document.createElement("td")).textContent = text;
        return line;
      }));
    }
  }

  // --- all of it ------------------------------------------------------------------------------

  function paintDiagram() {
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    for (const each of document.querySelectorAll(".diagram .sk-global")) {
      each.classList.toggle("dark", isDark);
      each.classList.toggle("light", !isDark);
    }
  }

  async function main() {
    paintDiagram();
    const place = document.getElementById("parallel");
    const parallel = place && data.parallel ? new Parallel(place, data.parallel) : null;
    let drawn = Promise.resolve();
    if (places.length) {
      if (!window.DecompressionStream) {
        say("This browser is too old to draw the figures (it has no DecompressionStream). Texts and tables are complete.");
        root.dataset.state = "drawn";
        return;
      }
      await idle();
      await loadPlotly();
      window.addEventListener("beforeprint", drawForPrint);
      drawn = drawAll();
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", async () => {
      await drawn;
      paintDiagram();
      if (parallel) parallel.update();
      drawn = drawAll();
    });
    await drawn;
    if (window.Plotly) placeAnew();
    root.dataset.state = "drawn";
  }

  main().catch((error) => {
    say(`The figures could not be drawn: ${error.message}. Texts and tables are complete.`);
    root.dataset.state = "failed";
    console.error(error);
  });
})();
