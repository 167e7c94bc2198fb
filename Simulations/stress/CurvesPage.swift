import SimulationSupport

/// The curves of a run: resident memory, throughput and latency percentiles over time, each process
/// a line of its own.
enum CurvesPage {
    static func text(_ report: Report) throws -> String { try page.text(report) }

    private static let page = Page(title: "Stress", body: body, script: script)

    private static let body = """
        <p id="facts"></p>
        <ul id="violations"></ul>
        <p id="keys"></p>
        <h2>Resident memory</h2>
        <p>Dashed: the line through the samples after the warm-up, by which it is judged.</p>
        <div class="wide" id="memory"></div>
        <h2>Evaluations a second</h2><div class="wide" id="throughput"></div>
        <h2>Latency: half of the evaluations took at most</h2>
        <div class="wide" id="p50"></div>
        <h2>Latency: 99 of 100 took at most</h2><div class="wide" id="p99"></div>
        <h2>Latency: 999 of 1000 took at most</h2><div class="wide" id="p999"></div>
        <h2>Errors about memory, typed and expected under a limit</h2>
        <div class="wide" id="refused"></div>
        """

    private static let script = #"""
        const last = p => p.samples.length ? p.samples[p.samples.length - 1].seconds : 0;
        const most = Math.max(1e-3, ...data.processes.map(last));
        const seconds = s => s.toFixed(0) + " s";
        const count = n => n >= 1e6 ? (n / 1e6).toFixed(2) + " M"
          : n >= 1e4 ? (n / 1e3).toFixed(1) + " k" : n.toFixed(0);
        function curve(id, value, show, line) {
          const width = 1080, left = 90, high = 160;
          const svg = element("svg", { width, height: high + 20 });
          const all = data.processes.flatMap(p => p.samples.map(value));
          const top = all.reduce((a, b) => Math.max(a, b), 0) || 1;
          const x = s => left + s / most * (width - left - 30);
          const y = v => high - v / top * (high - 14);
          axis(svg, width, left, high, most, seconds);
          svg.append(element("text", { x: 0, y: 14 }, show(top)));
          svg.append(element("text", { x: 0, y: high }, show(0)));
          data.processes.forEach((p, i) => {
            const points = p.samples.map(s => `${x(s.seconds)},${y(value(s))}`).join(" ");
            svg.append(tip(element("polyline", { points, fill: "none", stroke: colour(i),
              "stroke-width": 1.4 }), `seed ${p.seed}`));
            const judged = line && p.steadiness;
            if (judged) {
              const after = p.samples.filter(s => s.seconds >= judged.fromSeconds);
              const mean = after.reduce((a, s) => a + value(s), 0) / after.length;
              const half = judged.growthBytes / 2, end = judged.fromSeconds + judged.spanSeconds;
              svg.append(element("line", { x1: x(judged.fromSeconds), x2: x(end),
                y1: y(mean - half), y2: y(mean + half), stroke: "#c00",
                "stroke-dasharray": "4 3" }));
            }
          });
          find(id).replaceChildren(svg);
        }
        find("facts").textContent = `${data.processes.length} processes, ${count(data.evaluations)}`
          + ` evaluations, ${count(data.evaluationsPerSecond)} a second, ${data.refused} refused`
          + (data.memoryLimit ? ` under a limit of ${size(data.memoryLimit)}` : "")
          + `; latency ${time(data.latencyMicroseconds.p50 * 1e3)} (half),`
          + ` ${time(data.latencyMicroseconds.p99 * 1e3)} (99 of 100), at most`
          + ` ${time(data.latencyMicroseconds.greatest * 1e3)}; ${data.violations.length}`
          + " violations.";
        for (const text of data.violations) {
          const item = document.createElement("li");
          item.textContent = text;
          find("violations").append(item);
        }
        data.processes.forEach((p, i) => find("keys").append(
          element("span", { class: "key", style: `background: ${colour(i)}` }),
          `seed ${p.seed}`));
        curve("memory", s => s.residentBytes, size, true);
        curve("throughput", s => s.evaluationsPerSecond, count);
        for (const key of ["p50", "p99", "p999"])
          curve(key, s => s.latencyMicroseconds[key] * 1e3, time);
        curve("refused", s => s.refused, count);
        """#
}
