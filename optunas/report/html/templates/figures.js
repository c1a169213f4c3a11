"use strict";
// Draws the figures, those that are in sight first, in the colours of the page; on paper in light ones.
(() => {
  const LIGHT = { ink: "#15191f", line: "#d9dee5", back: "#ffffff" };
  const DARK = { ink: "#e6ebf1", line: "#323a45", back: "#171c23" };
  const PAPER = 660, LOWER = 0.8; // px, the width of a printed page; two figures stand on one
  const CONFIG = {
    responsive: true, displaylogo: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const holders = [...document.querySelectorAll(".plot")];
  const drawn = new Set();
  const heights = new Map();
  const axis = /^[xy]axis\d*$/;

  function unpacked(base64) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64); // in browsers since 2025
    const signs = atob(base64), bytes = new Uint8Array(signs.length);
    for (let place = 0; place < signs.length; place++) bytes[place] = signs.charCodeAt(place);
    return bytes;
  }

  async function load() {
    const bytes = unpacked(document.getElementById("plotly").textContent.trim());
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script); // it runs because the page's policy names its digest
  }

  // What depends on the theme, as plotly's "relayout" takes it.
  function look(layout, theme) {
    const said = {
      "font.color": theme.ink, "hoverlabel.bgcolor": theme.back,
      "hoverlabel.bordercolor": theme.line, "hoverlabel.font.color": theme.ink,
    };
    for (const name of Object.keys(layout).filter((key) => axis.test(key)))
      for (const part of ["gridcolor", "linecolor", "zerolinecolor"])
        said[`${name}.${part}`] = theme.line;
    return said;
  }

  function set(layout, said) {
    for (const [path, value] of Object.entries(said)) {
      const names = path.split("."), last = names.pop();
      names.reduce((inner, name) => (inner[name] ??= {}), layout)[last] = value;
    }
    return layout;
  }

  const theme = () => (dark.matches ? DARK : LIGHT);

  function draw(holder) {
    if (drawn.has(holder)) return;
    drawn.add(holder);
    const figure = JSON.parse(document.getElementById(`${holder.id}-data`).textContent);
    holder.replaceChildren();
    heights.set(holder, figure.layout.height);
    const layout = { ...figure.layout, autosize: true };
    set(layout, { "font.family": getComputedStyle(document.body).fontFamily });
    Plotly.newPlot(holder, figure.data, set(layout, look(layout, theme())), CONFIG);
  }

  function restyle(theme, size) {
    for (const holder of drawn)
      Plotly.relayout(holder, { ...look(holder.layout, theme), ...size(heights.get(holder)) });
  }

  const sight = (holder) => Math.abs(holder.getBoundingClientRect().top);
  const pause = () => new Promise((done) => setTimeout(done));

  async function begin() {
    await load();
    while (drawn.size < holders.length) {
      const left = holders.filter((holder) => !drawn.has(holder));
      draw(left.reduce((one, other) => (sight(other) < sight(one) ? other : one)));
      await pause(); // the page stays quick while it is drawn
    }
    document.documentElement.dataset.drawn = "all";
  }

  dark.addEventListener("change", () => restyle(theme(), () => ({})));
  addEventListener("beforeprint", () => {
    if (typeof Plotly === "undefined") return;
    holders.forEach(draw);
    restyle(LIGHT, (height) => ({ width: PAPER, height: height * LOWER, autosize: false }));
  });
  addEventListener("afterprint", () => restyle(theme(), (height) => ({ width: null, height, autosize: true })));
  begin().catch((error) => {
    for (const holder of holders.filter((one) => !drawn.has(one)))
      holder.textContent = `This figure can't be drawn here: ${error.message}`;
  });
})();
