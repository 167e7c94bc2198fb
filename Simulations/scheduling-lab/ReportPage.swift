import SimulationSupport

/// The page of a sweep: what it shows beside the heading, and how its own script draws it.
enum ReportPage {
    static let page = Page(title: "Scheduling lab", body: body, script: script)

    private static let body = """
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
        """

    private static let script = #"""
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
        """#
}
