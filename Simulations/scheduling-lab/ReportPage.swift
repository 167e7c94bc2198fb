/// The text of a report's page; `DATA` stands for its contents. Charts are drawn by the page's own
/// script as SVG: it loads nothing.
enum ReportPage {
    static let text = style + body + script

    private static let style = """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>Scheduling lab</title><style>
        body { font: 14px/1.45 system-ui, sans-serif; margin: 24px auto; max-width: 1100px;
          color: #1c1c1c; background: #fff }
        h1 { font-size: 22px } h2 { font-size: 17px; margin-top: 32px }
        table { border-collapse: collapse } td, th { padding: 3px 8px; text-align: right;
          border-bottom: 1px solid #e3e3e3; font-variant-numeric: tabular-nums }
        th:first-child, td:first-child { text-align: left; position: sticky; left: 0;
          background: #fff }
        .wide { overflow-x: auto } svg { display: block; margin: 8px 0 }
        svg text { font: 11px system-ui, sans-serif; fill: #444 }
        select { font: inherit; max-width: 100% } .key { display: inline-block; width: 11px;
          height: 11px; margin: 0 4px 0 12px } p { max-width: 75ch }
        </style></head>

        """

    private static let body = """
        <body><h1>Scheduling lab</h1>
        <p>Makespans over the greatest lower bound: 1 means that no schedule is shorter. A core set
        runs one step at a time, in the order of its schedule.</p>
        <h2>Ratio to the bound, by policy and graph</h2>
        <div class="wide" id="ratios"></div>
        <h2>One run</h2>
        <p><label>Run: <select id="run"></select></label></p>
        <p id="facts"></p>
        <h3>When each step ran</h3><div id="kinds"></div><div class="wide" id="gantt"></div>
        <h3>Why cores stood idle</h3><div class="wide" id="idle"></div>
        <h3>Memory held by results</h3><div class="wide" id="memory"></div>
        <script type="application/json" id="data">DATA</script>

        """

    private static let script = #"""
        <script>
        const data = JSON.parse(document.getElementById("data").textContent);
        const find = id => document.getElementById(id);
        const colour = i => `hsl(${(i * 137.5) % 360} 55% 58%)`;
        const time = ns => ns >= 1e9 ? (ns / 1e9).toFixed(3) + " s"
          : ns >= 1e6 ? (ns / 1e6).toFixed(3) + " ms" : (ns / 1e3).toFixed(2) + " µs";
        const size = b => b >= 1 << 20 ? (b / (1 << 20)).toFixed(1) + " MiB"
          : (b / 1024).toFixed(1) + " KiB";
        function element(name, attributes, text) {
          const isPage = ["table", "tr", "td", "th", "option", "span"].includes(name);
          const e = isPage ? document.createElement(name)
            : document.createElementNS("http://www.w3.org/2000/svg", name);
          for (const key in attributes) e.setAttribute(key, attributes[key]);
          if (text !== undefined) e.textContent = text;
          return e;
        }
        function tip(e, text) { e.appendChild(element("title", {}, text)); return e; }
        function ratios() {
          const dags = [...new Set(data.lines.map(l => l.dag))];
          const policies = new Map();
          for (const l of data.lines) {
            if (!policies.has(l.policy)) policies.set(l.policy, new Map());
            const row = policies.get(l.policy);
            if (!row.has(l.dag)) row.set(l.dag, []);
            row.get(l.dag).push(l.ratio);
          }
          const mean = v => Math.exp(v.reduce((s, x) => s + Math.log(x), 0) / v.length);
          const rows = [...policies].map(([name, row]) =>
            [name, mean([...row.values()].flat()), row]).sort((a, b) => a[1] - b[1]);
          const table = element("table", {});
          const head = element("tr", {});
          for (const text of ["policy", "mean", ...dags]) head.append(element("th", {}, text));
          table.append(head);
          for (const [name, all, row] of rows) {
            const tr = element("tr", {});
            tr.append(element("td", {}, name), element("td", {}, all.toFixed(3)));
            for (const dag of dags) {
              const value = row.has(dag) ? mean(row.get(dag)) : null;
              const shade = value ? Math.min(60, (value - 1) * 60) : 0;
              tr.append(element("td", { style: `background: hsl(20 80% ${98 - shade / 2}%)` },
                value ? value.toFixed(3) : ""));
            }
            table.append(tr);
          }
          find("ratios").append(table);
        }
        function axis(svg, width, left, bottom, most) {
          for (let i = 0; i <= 5; i++) {
            const x = left + (width - left - 30) * i / 5;
            svg.append(element("line", { x1: x, x2: x, y1: 0, y2: bottom, stroke: "#e3e3e3" }));
            svg.append(element("text", { x, y: bottom + 14, "text-anchor": "middle" },
              time(most * i / 5)));
          }
        }
        function show(chart) {
          const line = data.lines[chart.line];
          const most = Math.max(line.makespan, 1), width = 1080, left = 90;
          const scale = (width - left - 30) / most;
          find("facts").textContent = `${line.policy} on ${line.dag}, ${line.platform}, seed `
            + `${line.seed}: ${time(line.makespan)} (expected ${time(chart.expected)}), `
            + `${line.ratio.toFixed(3)} times the bound, which is the ${line.bound}. Bounds: `
            + Object.entries(chart.bounds).map(([k, v]) => `${k} ${time(v)}`).join(", ")
            + `. Moved ${size(line.moved)}, at most ${size(line.peak)} held.`;
          const kinds = find("kinds"); kinds.replaceChildren();
          chart.names.slice(0, 24).forEach((name, i) => kinds.append(
            element("span", { class: "key", style: `background: ${colour(i)}` }), name));
          const high = chart.sets.length * 34;
          const svg = element("svg", { width, height: high + 20 });
          axis(svg, width, left, high, most);
          chart.sets.forEach((name, i) =>
            svg.append(element("text", { x: 0, y: i * 34 + 20 }, name)));
          chart.places.forEach((set, i) => svg.append(tip(element("rect", {
            x: left + chart.begins[i] * scale, y: set * 34 + 4, height: 26,
            width: Math.max(0.4, (chart.ends[i] - chart.begins[i]) * scale),
            fill: colour(chart.kinds[i]), stroke: "#fff", "stroke-width": 0.4 }),
            `${chart.names[chart.kinds[i]]}: ${time(chart.begins[i])} to ${time(chart.ends[i])}`)));
          const bound = line.makespan / line.ratio * scale + left;
          svg.append(tip(element("line", { x1: bound, x2: bound, y1: 0, y2: high,
            stroke: "#c00", "stroke-dasharray": "4 3" }), `bound: ${line.bound}`));
          find("gantt").replaceChildren(svg);
          idle(line, chart, width, left);
          memory(chart, most, width, left);
        }
        function idle(line, chart, width, left) {
          const all = line.makespan * chart.sets.length || 1;
          const svg = element("svg", { width, height: data.causes.length * 24 });
          data.causes.forEach((cause, i) => {
            const part = line.idle[i] / all;
            svg.append(element("text", { x: 0, y: i * 24 + 15 }, cause));
            svg.append(element("rect", { x: left, y: i * 24 + 3, height: 16,
              width: part * (width - left - 160), fill: colour(i + 3) }));
            svg.append(element("text", { x: left + part * (width - left - 160) + 6,
              y: i * 24 + 15 }, `${(part * 100).toFixed(1)} %, ${time(line.idle[i])}`));
          });
          find("idle").replaceChildren(svg);
        }
        function memory(chart, most, width, left) {
          const top = Math.max(1, ...chart.memory.map(m => m[1])), high = 120;
          const svg = element("svg", { width, height: high + 20 });
          axis(svg, width, left, high, most);
          let path = `M${left} ${high}`, y = high;
          for (const [t, bytes] of chart.memory) {
            const x = left + t / most * (width - left - 30);
            path += `L${x} ${y}`;
            y = high - bytes / top * (high - 12);
            path += `L${x} ${y}`;
          }
          svg.append(element("path", { d: path + `L${width - 30} ${y}V${high}Z`,
            fill: "hsl(210 60% 70%)" }));
          svg.append(element("text", { x: 0, y: 14 }, size(top)));
          find("memory").replaceChildren(svg);
        }
        ratios();
        const select = find("run");
        data.charts.forEach((chart, i) => {
          const line = data.lines[chart.line];
          select.append(element("option", { value: i },
            `${line.policy} on ${line.dag}, ${line.platform}, seed ${line.seed}: `
            + line.ratio.toFixed(3)));
        });
        select.addEventListener("change", () => show(data.charts[select.value]));
        if (data.charts.length) show(data.charts[0]);
        </script></body></html>

        """#
}
